// What the pages do beyond links and forms. Without it everything still works, only less comfortably.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("has-script");

  // The viewer's own clock: the server shows times by it from the next page on.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? ";secure" : "";
  if (zone) document.cookie = `time_zone=${zone};path=/;max-age=31536000;samesite=lax${secure}`;

  const THEMES = ["system", "light", "dark"];
  const theme = () => localStorage.getItem("theme") || "system";
  function wear(name) {
    root.classList.remove("light", "dark");
    if (name !== "system") root.classList.add(name);
    localStorage.setItem("theme", name);
    label();
  }
  function label() {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      const text = button.getAttribute(`data-${theme()}`);
      button.querySelector("[data-label]").textContent = text;
    }
  }

  async function copy(button) {
    const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : button.parentElement;
    if (!(await toClipboard(button.dataset.copyText ?? source.textContent, source))) return;
    button.dataset.label ??= button.textContent; // a second click finds the word for done on it
    button.textContent = button.dataset.done;
    clearTimeout(saysDone.get(button));
    saysDone.set(button, setTimeout(() => { button.textContent = button.dataset.label; }, 1500));
  }
  const saysDone = new WeakMap();

  // Over plain HTTP there is no clipboard but the old way; if that fails, the text is selected, to be copied by hand.
  async function toClipboard(text, source) {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
    getSelection().selectAllChildren(source);
    const put = (event) => { event.clipboardData.setData("text/plain", text); event.preventDefault(); };
    document.addEventListener("copy", put, { once: true });
    const isCopied = document.execCommand("copy");
    document.removeEventListener("copy", put);
    if (isCopied) getSelection().removeAllRanges();
    return isCopied;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if ("themeSwitch" in button.dataset) wear(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
    if (button.dataset.copy || button.dataset.copyText) copy(button);
    if (button.dataset.opens) {
      event.preventDefault(); // without script, the button leads to a page
      const opened = document.querySelector(button.dataset.opens);
      if (opened instanceof HTMLDialogElement) opened.showModal();
      else button.setAttribute("aria-expanded", String(opened.classList.toggle("is-open")));
    }
    if ("prints" in button.dataset) window.print();
    if ("closes" in button.dataset) button.closest("dialog").close();
  });

  document.addEventListener("change", (event) => {
    if ("submits" in event.target.dataset) event.target.form.requestSubmit();
  });

  // A form that changes something is sent once: its buttons wait for the answer. What htmx sends, it sends itself.
  const LONGEST_WAIT = 30_000; // then it can be sent again, which is safe: the server knows the form by its id
  const buttonsOf = (form) => [...form.elements].filter((one) => one.matches("[type=submit], button:not([type])"));
  function announce(isWaiting) {
    const place = document.getElementById("working");
    place.textContent = isWaiting ? place.dataset.text : "";
  }
  function wait(form, button) {
    announce(true);
    button?.setAttribute("aria-busy", "true");
    for (const one of buttonsOf(form)) if (!one.disabled) one.dataset.waits = one.disabled = true;
    setTimeout(() => goOn(form), LONGEST_WAIT);
  }
  function goOn(form) {
    announce(false);
    delete form.dataset.sent;
    for (const button of buttonsOf(form)) {
      button.removeAttribute("aria-busy");
      if ("waits" in button.dataset) button.disabled = false;
      delete button.dataset.waits;
    }
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.target) return;
    if ("sent" in form.dataset) return event.preventDefault();
    form.dataset.sent = "";
    // Only once the browser has read the form, to which the name and value of the button belong.
    setTimeout(() => event.defaultPrevented ? goOn(form) : wait(form, event.submitter));
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(goOn));

  // How long a text is, beside it.
  document.addEventListener("input", (event) => {
    if (!("counted" in event.target.dataset)) return;
    event.target.closest(".field").querySelector("[data-count]").textContent = [...event.target.value].length;
  });

  // What the server says of a field that is on the page already; a field may be described by several lists.
  document.addEventListener("htmx:oobAfterSwap", (event) => {
    for (const input of document.querySelectorAll(`[aria-describedby~="${event.detail.target.id}"]`)) {
      const lists = input.getAttribute("aria-describedby").split(" ");
      const isWrong = lists.some((id) => document.getElementById(id)?.children.length > 0);
      input.setAttribute("aria-invalid", String(isWrong));
    }
  });

  // The form for a video tells the server which inputs were changed or left: only of those it says what is wrong.
  for (const type of ["input", "change", "focusout"]) {
    document.addEventListener(type, (event) => {
      const touched = event.target.form?.elements.touched;
      if (!touched || !event.target.matches("input[id], select[id], textarea[id]")) return;
      const names = touched.value.split(",").filter(Boolean);
      const name = event.target.id.replace(/^id-/, "");
      if (names.includes(name)) return;
      touched.value = [...names, name].join(",");
      if (type === "focusout" && !event.target.value) event.target.form.dispatchEvent(new Event("left"));
    }, true);
  }

  // A part of the page was refused, or led to the log-in, for the session has ended: no part takes that in. What
  // asks by itself is over with the page, which then says why; a form that was being filled in stays as it is.
  const OVER = [401, 403, 404];
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    const asked = new URL(requestConfig.path, document.baseURI);
    const isElsewhere = xhr.responseURL && new URL(xhr.responseURL).pathname !== asked.pathname;
    if (!isElsewhere && !OVER.includes(xhr.status)) return;
    event.detail.shouldSwap = false;
    if (requestConfig.verb === "get") location.reload();
  });

  // A preview plays in place of the poster while a video is pointed at or has the focus, if motion is welcome.
  const stillness = matchMedia("(prefers-reduced-motion: reduce)");
  function play(event) {
    const place = event.target.closest?.("[data-previewed]");
    if (!place || stillness.matches || place.contains(event.relatedTarget)) return;
    const picture = place.matches("[data-preview]") ? place : place.querySelector("[data-preview]");
    if (!picture) return;
    const shown = picture instanceof HTMLVideoElement ? "poster" : "src";
    picture.dataset.still ??= picture[shown];
    picture[shown] = picture.dataset.preview;
  }
  function rest(event) {
    const place = event.target.closest?.("[data-previewed]");
    if (!place || place.contains(event.relatedTarget)) return;
    const picture = place.matches("[data-still]") ? place : place.querySelector("[data-still]");
    if (picture) picture[picture instanceof HTMLVideoElement ? "poster" : "src"] = picture.dataset.still;
  }
  for (const [name, does] of [["mouseover", play], ["focusin", play], ["mouseout", rest], ["focusout", rest]]) {
    document.addEventListener(name, does);
  }

  // A page made for printing.
  addEventListener("load", () => { if (document.querySelector("[data-prints-at-once]")) window.print(); });

  document.addEventListener("DOMContentLoaded", label);
})();
