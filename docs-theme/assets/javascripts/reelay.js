// What Material for MkDocs lacks for people who use a keyboard or a screen reader.
"use strict";

for (const dialog of document.querySelectorAll(".md-search")) {
  dialog.setAttribute("aria-label", "Search");
}

// Wide tables scroll in boxes that its scripts make some time after the page has been read.
const makeScrollable = () => {
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) {
    box.tabIndex = 0;
  }
};
makeScrollable();
new MutationObserver(makeScrollable).observe(document.querySelector("article"), { childList: true, subtree: true });
