// A field that is searched as one types is drawn by a script as a box without a name: give it that of its label.
(() => {
  "use strict";
  function name() {
    for (const box of document.querySelectorAll(".select2-selection__rendered:not([aria-label])")) {
      const select = box.closest(".select2").previousElementSibling;
      const label = select && (select.getAttribute("aria-label") || select.labels?.[0]?.textContent);
      if (label) box.setAttribute("aria-label", label.replace("*", "").trim());
    }
  }
  document.addEventListener("DOMContentLoaded", () => {
    const content = document.querySelector("#content");
    if (content) new MutationObserver(name).observe(content, { childList: true, subtree: true });
  });
})();

// Of an API key that is typed or pasted into a search, only the prefix is sent: addresses are remembered. The shape
// is that of `accounts/keys.py`.
document.addEventListener(
  "input",
  (event) => {
    if (event.target.name !== "q") return;
    const kept = event.target.value.replace(/(rly_[0-9A-Za-z]{8})_[0-9A-Za-z]+/g, "$1");
    if (kept !== event.target.value) event.target.value = kept;
  },
  true,
);

// The search: Ctrl+K or ⌘K opens it, and / where no list has a search of its own. Arrows walk through the results,
// Enter follows the one in focus or the first.
(() => {
  "use strict";
  const dialog = () => document.querySelector("#search");
  const isTyping = (element) => element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);

  function open() {
    if (!dialog() || dialog().open) return;
    dialog().showModal();
    dialog().querySelector("input").select();
  }

  function walk(box, event) {
    const places = [box.querySelector("input"), ...box.querySelectorAll("[data-results] a")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = places[places.indexOf(document.activeElement) + step];
    event.preventDefault();
    if (next) next.focus();
  }

  document.addEventListener("keydown", (event) => {
    const isShortcut = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
    const isSlash = event.key === "/" && !isTyping(event.target) && !document.querySelector("#searchbar");
    if (isShortcut || isSlash) {
      event.preventDefault();
      open();
    }
    const box = event.target.closest?.("[data-search-box]");
    if (box && (event.key === "ArrowDown" || event.key === "ArrowUp")) walk(box, event);
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-opens-search]") || !dialog()) return;
    event.preventDefault();
    open();
  });

  // Only if the results are those of the text: else the page shows them.
  document.addEventListener("submit", (event) => {
    const box = event.target.closest("dialog[data-search-box]");
    const results = box?.querySelector("[data-results]");
    const first = results?.querySelector("a");
    if (!first || results.dataset.results !== box.querySelector("input").value.trim()) return;
    event.preventDefault();
    location.assign(first.href);
  });
})();
