// The form for a video. The price on the page is that of the form as it is: while it is not, Create waits.
(() => {
  "use strict";
  const form = document.getElementById("composer");
  if (!form) return;
  const PAUSE = 350; // milliseconds without a change, after which the price is asked for
  const panel = document.getElementById("panel");
  const create = document.getElementById("create");
  const unpriced = document.getElementById("unpriced");

  let changes = "unpriced" in form.dataset ? 1 : 0; // of the form so far
  let priced = 0; // the change up to which the price on the page holds
  let isRedrawing = false; // the fields are being asked for
  let redraw = null; // asks for the fields again, until they are there
  let hasFailed = false;
  let isSent = false;
  let timer;
  const askedAt = new WeakMap(); // by request, the change it was sent after
  const answered = new WeakSet(); // requests whose answer is on the page
  const edited = new Map(); // by id, fields that were filled in while new ones were asked for

  function show() {
    const waits = priced !== changes;
    panel.classList.toggle("is-stale", waits);
    create.disabled = waits || isSent;
    create.setAttribute("aria-busy", String(waits && !hasFailed));
    unpriced.hidden = !(waits && hasFailed);
  }
  function changed() {
    changes += 1;
    hasFailed = false;
    clearTimeout(timer);
    if (!isRedrawing) timer = setTimeout(ask, PAUSE);
    show();
  }
  function ask() {
    clearTimeout(timer);
    hasFailed = false;
    if (redraw) redraw();
    else htmx.trigger(form, "preview");
    show();
  }
  function failed() {
    isRedrawing = false;
    hasFailed = true;
    show();
  }

  // What draws the fields anew is answered by new fields, and the price is asked for then.
  function redraws(event) {
    const place = event.target.closest("[hx-post]");
    const isWhole = event.type === "change" || event.target.matches("[type=radio], [type=checkbox], [type=file]");
    return place !== form && isWhole;
  }
  for (const type of ["input", "change"]) {
    form.addEventListener(type, (event) => {
      if (isRedrawing) edited.set(event.target.id, event.target);
      if (event.target.type !== "file" && !redraws(event)) changed();
    });
  }
  function keepEdits() {
    for (const [id, before] of edited) {
      const now = document.getElementById(id);
      if (!now || now === before || now.type !== before.type) continue;
      now.value = before.value;
      now.checked = before.checked;
    }
    edited.clear();
  }

  const partOf = (detail) => new URL(detail.requestConfig.path, document.baseURI).searchParams.get("part");
  const HANDLERS = {
    "htmx:beforeSend": {
      fields({ elt, requestConfig }) {
        const { type } = requestConfig.triggeringEvent;
        redraw = () => htmx.trigger(elt, type);
        isRedrawing = true;
        edited.clear();
        changes += 1;
        clearTimeout(timer);
      },
      preview({ xhr }) { askedAt.set(xhr, changes); },
    },
    "htmx:afterSwap": {
      fields({ xhr }) { answered.add(xhr); },
      preview({ xhr }) { answered.add(xhr); },
    },
    "htmx:afterRequest": {
      fields({ xhr, successful }) {
        if (answered.has(xhr)) {
          isRedrawing = false;
          redraw = null;
          keepEdits();
          ask();
        } else if (successful) failed(); // the log-in came instead
      },
      preview({ xhr, successful }) {
        if (answered.has(xhr)) priced = askedAt.get(xhr);
        else if (successful) failed();
      },
    },
  };
  for (const type of ["htmx:responseError", "htmx:sendError", "htmx:timeout", "htmx:swapError"]) {
    HANDLERS[type] = { fields: failed, preview: failed };
  }
  for (const [type, handlers] of Object.entries(HANDLERS)) {
    document.addEventListener(type, (event) => {
      handlers[partOf(event.detail)]?.(event.detail);
      show();
    });
  }

  document.getElementById("ask-again").addEventListener("click", ask);
  form.addEventListener("submit", (event) => {
    if (event.submitter !== create) return;
    isSent = true;
    setTimeout(show); // what is disabled now would not be sent
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) isSent = false;
    // The browser may have filled in again what stood here before.
    const isRestored = [...form.querySelectorAll("textarea, input:not([type=hidden], [type=file])")]
      .some((field) => field.value !== field.defaultValue);
    if (isRestored && priced === changes) changed();
    show();
  });
  show();
})();
