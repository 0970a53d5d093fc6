// Follows a run that is under way, shows what it finds, and leads to what came of it.
"use strict";

(() => {
  const said = document.querySelector("[data-events]");
  if (!said) return;
  let wait = 1000;

  // the server draws the list: this page, asked for again
  const redraw = async (mark) => {
    const shown = document.getElementById("found");
    if (!shown || shown.dataset.found === mark) return;
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("found");
    if (fresh) shown.replaceWith(document.adoptNode(fresh));
  };

  const follow = () => {
    const source = new EventSource(said.dataset.events);
    source.addEventListener("run", (event) => {
      const run = JSON.parse(event.data);
      wait = 1000;
      if (said.textContent !== run.text) said.textContent = run.text;
      if (run.over || run.state !== said.dataset.state) {
        source.close();
        location.reload();
      } else {
        redraw(`${run.findings} ${run.confirmed} ${run.flaky}`).catch(() => {}); // the next event tries again
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
