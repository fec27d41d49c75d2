// What Material for MkDocs has inline in `partials/javascripts/palette.html`: shows the colours that a reader chose, or
// those of their system, before anything is drawn.
"use strict";

const palette = window.__md_get("__palette");
if (palette && palette.color) {
  if (palette.color.media === "(prefers-color-scheme)") {
    const isLight = matchMedia("(prefers-color-scheme: light)").matches;
    const media = `(prefers-color-scheme: ${isLight ? "light" : "dark"})`;
    const input = document.querySelector(`[data-md-color-media='${media}']`);
    for (const name of ["media", "scheme", "primary", "accent"]) {
      palette.color[name] = input.getAttribute(`data-md-color-${name}`);
    }
  }
  for (const [name, value] of Object.entries(palette.color)) {
    document.body.setAttribute(`data-md-color-${name}`, value);
  }
}
