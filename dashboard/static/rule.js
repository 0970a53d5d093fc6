// Shows what a rule would hide while it is typed: the page that the form asks for, without leaving this one.
"use strict";

(() => {
  const form = document.getElementById("asking");
  if (!form) return;
  let waiting = 0;
  let asking = new AbortController();

  const keepTyped = (before, after) => {
    for (const field of before.querySelectorAll("input[name=reason], select[name=days]")) {
      const same = after.querySelector(`[name=${field.name}]`);
      if (same) same.value = field.value;
    }
  };
  const show = async () => {
    asking.abort();
    asking = new AbortController();
    const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: asking.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of ["preview", "keep"]) {
        const [before, after] = [document.getElementById(id), page.getElementById(id)];
        if (!after) return; // another page, as after the end of the login: the button leads there
        keepTyped(before, after);
        before.replaceWith(after);
      }
      history.replaceState(null, "", address);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 250);
  });
})();
