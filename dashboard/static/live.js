// Follows a run that is under way, and leads to what came of it.
"use strict";

(() => {
  const said = document.querySelector("[data-events]");
  if (!said) return;
  let wait = 1000;

  const follow = () => {
    const source = new EventSource(said.dataset.events);
    source.addEventListener("run", (event) => {
      const run = JSON.parse(event.data);
      wait = 1000;
      if (said.textContent !== run.text) said.textContent = run.text;
      if (run.over || run.state !== said.dataset.state) {
        source.close();
        location.reload();
      }
    });
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      setTimeout(follow, wait);
      wait = Math.min(2 * wait, 60000);
    });
  };
  follow();
})();
