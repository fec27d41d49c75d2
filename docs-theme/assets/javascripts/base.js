// What Material for MkDocs has inline in `partials/javascripts/base.html`: where its scripts keep what a reader chose.
"use strict";

window.__md_scope = new URL(document.currentScript.dataset.base, location);

window.__md_hash = (text) => [...text].reduce((hash, letter) => (hash << 5) - hash + letter.charCodeAt(0), 0);

window.__md_get = (key, storage = localStorage, scope = window.__md_scope) =>
  JSON.parse(storage.getItem(`${scope.pathname}.${key}`));

window.__md_set = (key, value, storage = localStorage, scope = window.__md_scope) => {
  try {
    storage.setItem(`${scope.pathname}.${key}`, JSON.stringify(value));
  } catch {
    // A browser may keep nothing.
  }
};
