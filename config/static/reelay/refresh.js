// Lets parts of a page (data-refreshes) fetch themselves anew, while somebody sees them and has not stopped it.
(() => {
  "use strict";
  const EVERY = 10000;
  let kept = { open: [], scrolled: [] };

  function refresh() {
    const stop = document.querySelector("[data-refresh-switch]");
    if (document.hidden || (stop && !stop.checked)) return;
    for (const part of document.querySelectorAll("[data-refreshes]")) htmx.trigger(part, "refresh");
  }

  // What was opened and scrolled stays so; htmx itself leaves the focus on the element of the same id.
  function keep(part) {
    kept = {
      open: [...part.querySelectorAll("details[open][id]")].map((one) => one.id),
      scrolled: [...part.querySelectorAll("[tabindex][id]")].map((one) => [one.id, one.scrollLeft, one.scrollTop]),
    };
  }
  function restore() {
    for (const id of kept.open) document.getElementById(id)?.setAttribute("open", "");
    for (const [id, left, top] of kept.scrolled) {
      const one = document.getElementById(id);
      one?.scrollTo(left, top);
    }
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    if ("refreshes" in event.detail.target.dataset) keep(event.detail.target);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if ("refreshes" in event.detail.target.dataset) restore();
  });
  setInterval(refresh, EVERY);
})();
