"use strict";
// Hides the findings that are not asked for. Without it the page shows all of them.
{
  const bar = document.getElementById("filters");
  const findings = Array.from(document.querySelectorAll("details.finding"), (element) => ({
    element,
    severity: element.dataset.severity,
    states: element.dataset.state.split("|"),
    tags: element.dataset.tags.split(" "),
    text: element.textContent.toLowerCase(),
  }));
  const value = (id) => document.getElementById(id)?.value ?? "";

  function filter() {
    const severities = new Set(Array.from(bar.querySelectorAll("input:checked"), (box) => box.value));
    const words = value("text").toLowerCase().split(/\s+/).filter(Boolean);
    const [tag, state] = [value("tag"), value("state")];
    let shown = 0;
    for (const each of findings) {
      const wanted =
        severities.has(each.severity) &&
        (!tag || each.tags.includes(tag)) &&
        (!state || each.states.includes(state)) &&
        words.every((word) => each.text.includes(word));
      each.element.hidden = !wanted;
      shown += wanted;
    }
    document.getElementById("shown").textContent = `${shown} of ${findings.length} shown`;
  }

  function fold(open) {
    for (const each of findings) if (!each.element.hidden) each.element.open = open;
  }

  function follow() {
    const found = document.getElementById(location.hash.slice(1));
    if (found?.matches("details.finding")) {
      found.hidden = false;
      found.open = true;
      found.scrollIntoView();
    }
  }

  if (bar) {
    bar.hidden = false;
    bar.addEventListener("input", filter);
    document.getElementById("unfold").addEventListener("click", () => fold(true));
    document.getElementById("fold").addEventListener("click", () => fold(false));
    addEventListener("hashchange", follow);
    filter();
    follow();
  }
}
