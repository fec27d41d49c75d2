// Keeps what somebody types into the form of a video (data-draft, which names the person) in this browser, for a day,
// and offers it again, such as after the session has ended. Chosen files are not kept.
(() => {
  "use strict";
  const PREFIX = "draft:", DAY = 86_400_000;
  const NOT_TYPED = ["csrfmiddlewaretoken", "form_id"];
  const keys = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));

  function read(key) {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  }
  function typed(form) {
    const entries = [...new FormData(form)];
    return entries.filter(([name, value]) => typeof value === "string" && !NOT_TYPED.includes(name));
  }
  const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  // The video was made when the server says so of the form, and drafts end after a day, or with the log-out.
  function removeEnded() {
    const made = document.cookie.match(/(?:^|; )made_by_form=([0-9a-f-]+)/)?.[1];
    document.cookie = "made_by_form=;path=/;max-age=0;samesite=lax";
    for (const key of keys()) {
      const draft = read(key);
      if (!draft || Date.now() - draft.at > DAY || draft.form === made) localStorage.removeItem(key);
    }
  }
  document.addEventListener("submit", (event) => {
    if (/\/log-?out\/$/.test(event.target.getAttribute("action"))) for (const key of keys()) localStorage.removeItem(key);
  });

  // The server draws the fields that the model has, with what was typed; those beside them are there.
  function restore(form, entries, sent) {
    const part = form.querySelector("#fields");
    for (const name of [...sent.keys()]) sent.delete(name);
    sent.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    const beside = [...form.elements].filter((field) => !part.contains(field));
    for (const [name, value] of entries) {
      sent.append(name, value);
      const field = beside.find((one) => one.name === name);
      if (field) field.value = value;
    }
  }

  function offer(form, key) {
    const place = document.getElementById("draft"), draft = read(key);
    if (!draft || isSame(draft.typed, typed(form))) return;
    place.hidden = false;
    place.addEventListener("htmx:configRequest", (event) => restore(form, draft.typed, event.detail.formData));
    place.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      place.hidden = true;
      if ("discards" in button.dataset) localStorage.removeItem(key);
      document.getElementById("id-prompt").focus();
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    removeEnded();
    const form = document.querySelector("form[data-draft]");
    if (!form) return;
    const key = `${PREFIX}${form.dataset.draft}:${location.pathname}`;
    offer(form, key);
    // Also what was restored, once it is sent with the id of this form.
    for (const type of ["input", "change", "submit"]) {
      form.addEventListener(type, () => {
        const draft = { at: Date.now(), form: form.elements.form_id.value, typed: typed(form) };
        localStorage.setItem(key, JSON.stringify(draft));
      });
    }
  });
})();
