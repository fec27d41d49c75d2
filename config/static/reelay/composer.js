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
  let uploads = 0; // pictures on their way
  let timer;
  const askedAt = new WeakMap(); // by request, the change it was sent after
  const answered = new WeakSet(); // requests whose answer is on the page
  const edited = new Map(); // by id, fields that were filled in while new ones were asked for

  function show() {
    const waits = priced !== changes || uploads > 0;
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
  // Leaving a field is no change if its input was one: or the click that leaves it would find Create disabled.
  const counted = new WeakMap(); // by field, the value that was counted as a change
  function isCounted({ type, target }) {
    const value = `${target.value} ${target.checked}`;
    if (type === "change" && counted.get(target) === value) return true;
    counted.set(target, value);
    return false;
  }
  for (const type of ["input", "change"]) {
    form.addEventListener(type, (event) => {
      if (isRedrawing) edited.set(event.target.id, event.target);
      if (event.target.type !== "file" && !isCounted(event) && !redraws(event)) changed();
      // Another tenant has other models and prices.
      if (type === "change" && event.target.name === "tenant") htmx.trigger("#redraw", "redraw");
    });
  }
  // A field was left empty: what is wrong with it is told now; the price stays as it is.
  form.addEventListener("left", () => {
    if (!isRedrawing && priced === changes) htmx.trigger(form, "preview");
  });
  function keepEdits() {
    for (const [id, before] of edited) {
      const now = document.getElementById(id);
      if (!now || now === before || now.type !== before.type) continue;
      now.value = before.value;
      now.checked = before.checked;
      now.dispatchEvent(new Event("input", { bubbles: true })); // its length is counted beside it
    }
    edited.clear();
  }

  const partOf = (detail) => new URL(detail.requestConfig.path, document.baseURI).searchParams.get("part");
  const HANDLERS = {
    "htmx:beforeSend": {
      fields({ requestConfig: { elt, triggeringEvent: { type } } }) {
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
      fields({ xhr, requestConfig, successful }) {
        if (answered.has(xhr)) {
          const fitting = document.getElementById("fitting");
          if (fitting) say(fitting.textContent.trim());
          if (requestConfig.elt.name === "example") document.getElementById("id-prompt").focus();
          isRedrawing = false;
          redraw = null;
          keepEdits();
          if (problems.length) showProblems();
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

  // Pictures are uploaded at once, one after the other, by picker, drop and paste; the form then has their ids.
  const announced = document.getElementById("announced");
  const say = (text) => { announced.textContent = text; };
  const slots = () => [...form.querySelectorAll("[name=images]")];
  const emptySlot = () => slots().find((slot) => !slot.value);
  const words = announced.dataset;
  let problems = []; // of the last picture
  let isPlaced = false; // a picture has a place that is not drawn yet

  function refusal(slot) {
    const place = document.getElementById("images");
    if (!place) return words.none;
    const isFull = slots().filter((one) => one.value).length >= Number(place.dataset.most);
    return isFull && !slot?.value ? words.full : "";
  }
  function showProblems() {
    document.getElementById("errors-picture")?.replaceChildren(...problems);
    document.getElementById("id-picture")?.setAttribute("aria-invalid", String(problems.length > 0));
  }
  function complain(list) {
    problems = list;
    showProblems();
    say(list.map((item) => item.textContent).join(" "));
  }
  function complainOf(text) {
    const item = document.createElement("li");
    item.textContent = text;
    complain([item]);
  }
  function place(id, position) {
    const slot = document.getElementById(`id-images-${position}`) ?? emptySlot();
    if (slot) slot.value = id;
    else {
      const added = document.createElement("input");
      Object.assign(added, { type: "hidden", name: "images", value: id });
      document.getElementById("images")?.append(added);
    }
    isPlaced = true;
  }
  function drawPictures() {
    isPlaced = false;
    htmx.trigger("#redraw", "redraw"); // not in the fields: new ones need a moment until they listen
  }
  function progress(part) {
    const bar = document.getElementById("upload-progress");
    if (bar) [bar.value, bar.hidden] = [part, uploads === 0];
  }
  function send(file) {
    const data = new FormData();
    data.append("tenant", form.elements.tenant?.value ?? "");
    data.append("picture", file);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", "?part=picture");
      request.setRequestHeader("hx-request", "true");
      request.setRequestHeader("x-csrftoken", form.elements.csrfmiddlewaretoken.value);
      request.upload.onprogress = (event) => progress(event.loaded / event.total);
      request.onload = () => resolve(new DOMParser().parseFromString(request.responseText, "text/html"));
      request.onerror = reject;
      request.send(data);
    });
  }
  async function upload(file, position) {
    const why = refusal(document.getElementById(`id-images-${position}`));
    if (why) return complainOf(why);
    say(`${words.uploading} ${file.name}`);
    try {
      const answer = await send(file);
      const id = answer.querySelector("[data-file]")?.dataset.file;
      const found = [...answer.querySelectorAll("#errors-picture > li")];
      if (id) {
        complain([]);
        place(id, position);
        return say(`${words.uploaded} ${file.name}`);
      }
      return found.length ? complain(found) : complainOf(words.broken);
    } catch {
      return complainOf(words.broken);
    }
  }
  let queue = Promise.resolve();
  function take(files, position) {
    for (const file of files) {
      uploads += 1;
      show();
      queue = queue.then(() => upload(file, position)).finally(() => {
        uploads -= 1;
        progress(0);
        if (isPlaced && !uploads) drawPictures();
        show();
      });
    }
  }

  if ("uploading" in words) {
    form.addEventListener("change", (event) => {
      if (event.target.id !== "id-picture") return;
      const files = [...event.target.files];
      event.target.value = ""; // or it would be sent with the form once more
      take(files);
    });
    document.addEventListener("paste", (event) => {
      const files = [...event.clipboardData.files];
      if (!files.length || event.clipboardData.types.includes("text/plain")) return;
      event.preventDefault();
      take(files);
    });
    for (const type of ["dragover", "dragleave", "drop"]) {
      form.addEventListener(type, (event) => {
        if (!event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        form.classList.toggle("is-over", type === "dragover");
        if (type === "drop") take([...event.dataTransfer.files], event.target.closest("[data-slot]")?.dataset.slot);
      });
    }
  }

  // Create by keyboard, once, and only what has its price.
  const hint = document.getElementById("create-keys");
  if (/Mac|iP(hone|ad)/.test(navigator.platform)) hint.textContent = hint.dataset.mac;
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    if (!create.disabled && !isSent) form.requestSubmit(create);
  });

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
