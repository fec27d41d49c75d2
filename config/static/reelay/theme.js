// Runs before anything is drawn, so that no page flashes in the wrong colours.
(() => {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.classList.add(chosen);
  document.documentElement.classList.add("has-script");
})();
