// Completes the last word of the filter: what the list proposes begins with all that was typed before it.
"use strict";

(() => {
  const field = document.getElementById("q");
  const list = document.getElementById("keys");
  if (!field || !list) return;
  const words = [...list.options].map((each) => each.value);
  field.addEventListener("input", () => {
    const at = field.value.lastIndexOf(" ") + 1;
    const [before, typed] = [field.value.slice(0, at), field.value.slice(at)];
    const sign = typed.startsWith("!") ? "!" : "";
    const fits = words.filter((word) => `${sign}${word}`.startsWith(typed)).slice(0, 30);
    list.replaceChildren(
      ...fits.map((word) => {
        const option = document.createElement("option");
        option.value = `${before}${sign}${word}`;
        return option;
      })
    );
  });
})();
