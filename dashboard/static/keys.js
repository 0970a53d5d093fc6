// Keys for those who judge many findings: single ones, and only while nothing is being typed.
"use strict";

(() => {
  const go = (id) => document.getElementById(id)?.click();
  const links = () => [...document.querySelectorAll("a.go")];
  const move = (step) => {
    const all = links();
    if (!all.length) {
      go(step > 0 ? "after" : "before");
      return;
    }
    const at = all.indexOf(document.activeElement);
    const to = at < 0 ? 0 : at + step;
    const page = document.querySelector(to < 0 ? ".pages a[rel=prev]" : ".pages a[rel=next]");
    if (page && (to < 0 || to >= all.length)) location.href = `${page.href}#${to < 0 ? "last" : "first"}`;
    else all[Math.max(0, Math.min(all.length - 1, to))].focus();
  };
  if (location.hash === "#first") links()[0]?.focus();
  if (location.hash === "#last") links().at(-1)?.focus();

  // from one marked line of a diff to the next
  const moveInside = (step) => {
    const all = [...document.querySelectorAll("details[open] tr:is(.minus, .plus, .change)")];
    if (!all.length) return;
    const at = all.indexOf(document.activeElement);
    const row = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))];
    row.tabIndex = -1;
    row.focus();
  };
  const copy = async (button) => {
    if (!button) return;
    const from = document.getElementById(button.dataset.copies);
    from.closest("details").open = true;
    try {
      await navigator.clipboard.writeText(from.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(from); // without leave to copy: for Ctrl+C
      from.focus();
    }
  };
  const copies = (id) => document.querySelector(`[data-copies=${id}]`);
  const help = () => document.getElementById("help")?.showModal();
  document.getElementById("help-opens")?.addEventListener("click", help);
  for (const each of document.querySelectorAll("[data-copies]")) each.addEventListener("click", () => copy(each));

  const decide = (id) => {
    const reason = document.getElementById("reason");
    if (!reason) return;
    const around = reason.closest("details");
    if (around) around.open = true;
    if (reason.value.trim()) {
      document.getElementById(id).click();
      return;
    }
    reason.dataset.then = id;
    reason.focus();
  };
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    y: () => decide("intended"),
    n: () => decide("regression"),
    i: () => decide("noise"),
    e: () => decide("environment"),
    p: () => go("rule"),
    r: () => go("alone"),
    x: () => document.activeElement?.closest("li")?.querySelector(".check")?.click(),
    g: () => {
      const places = document.getElementById("places");
      if (places) places.open = !places.open;
      const boxes = [...document.querySelectorAll(".check")];
      const all = boxes.every((box) => box.checked);
      for (const box of boxes) box.checked = !all;
    },
    c: () => document.getElementById("comment")?.focus(),
    a: () => document.getElementById("assignee")?.focus(),
    u: () => go("undo"),
    f: () => go("fold"),
    s: () => go("split"),
    J: () => moveInside(1),
    K: () => moveInside(-1),
    ".": () => copy(copies("curl")),
    m: () => copy(copies("markdown")),
    "?": help,
    "/": () => document.getElementById("q")?.focus(),
    Escape: () => go("up"),
  };
  const typing = (element) => /^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName) && element.type !== "checkbox";

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const reason = document.getElementById("reason");
    if (event.key === "Enter" && reason && event.target.tagName === "INPUT" && event.target.form === reason.form) {
      event.preventDefault();
      // Enter after Y, N, I or E sends what that key meant; without one it says which there are
      if (event.target !== reason || !reason.dataset.then) {
        const which = document.getElementById("which");
        which.textContent = which.dataset.says;
      } else if (reason.reportValidity()) document.getElementById(reason.dataset.then).click();
      return;
    }
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    if (/^[1-7]$/.test(event.key)) go(`jump-${event.key}`);
    const act = keys[event.key] ?? keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
})();
