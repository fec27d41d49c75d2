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
