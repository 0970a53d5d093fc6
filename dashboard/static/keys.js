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
    all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))].focus();
  };
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
    x: () => document.activeElement?.closest("li")?.querySelector(".check")?.click(),
    g: () => {
      const boxes = [...document.querySelectorAll(".check")];
      const all = boxes.every((box) => box.checked);
      for (const box of boxes) box.checked = !all;
    },
    c: () => document.getElementById("comment")?.focus(),
    a: () => document.getElementById("assignee")?.focus(),
    u: () => go("undo"),
    f: () => go("fold"),
    "/": () => document.getElementById("q")?.focus(),
    Escape: () => go("up"),
  };
  const typing = (element) => /^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName) && element.type !== "checkbox";

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const reason = document.getElementById("reason");
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      // Enter after Y, N, I or E sends what that key meant
      if (event.key === "Enter" && event.target === reason && reason.dataset.then && reason.value.trim()) {
        event.preventDefault();
        document.getElementById(reason.dataset.then).click();
      }
      return;
    }
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
})();
