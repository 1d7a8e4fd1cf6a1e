"use strict";
// One row of a review of labels: keys, and every decision saved at once. The page works from the form; this file only sends it and moves on.
(() => {
  const sheet = document.getElementById("sheet");
  if (!sheet) return;
  const form = document.getElementById("answer");
  const state = document.getElementById("state");
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const several = sheet.dataset.several === "yes";
  let done = sheet.dataset.done === "yes";
  let pending = Promise.resolve(true);
  let dirty = false;
  let leaving = false;
  let timer = 0;

  const field = (name) => form.elements.namedItem(name);
  const choice = () => form.querySelector('input[name="said"]:checked');

  function say(text, bad = false) {
    state.textContent = text;
    state.classList.toggle("bad", bad);
  }

  // The decision as the form has it; null while it says nothing.
  function answer() {
    const picked = choice();
    if (!picked) return null;
    const out = { item: sheet.dataset.item, action: picked.value, value: null, note: field("note").value, skipped: false };
    if (picked.value === "skip") return { ...out, action: null, skipped: true };
    if (picked.value === "suggestion") return { ...out, action: "relabel", value: several ? facts.suggestion : facts.suggestion[0] };
    if (picked.value === "other") return { ...out, action: "relabel", value: several ? names() : field("label").value };
    return out;
  }

  const names = () => [...form.querySelectorAll('input[name="names"]:checked')].map((box) => box.value);

  async function send() {
    const body = answer();
    dirty = false;
    if (!body) return true;
    say("saving …");
    try {
      const got = await fetch(sheet.dataset.here, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), keepalive: true,
      });
      const said = await got.json().catch(() => ({}));
      if (!got.ok) throw new Error(said.error ? said.error.message : `answer ${got.status}`);
      done = true;
      document.getElementById("far").textContent = `${said.answered} of ${said.of}`;
      document.getElementById("bar").value = said.answered;
      say("saved");
      return true;
    } catch (problem) {
      dirty = true;
      say(`NOT SAVED: ${problem.message}. Enter tries again.`, true);
      return false;
    }
  }

  function save() {
    clearTimeout(timer);
    dirty = true;
    pending = pending.then(send);
    return pending;
  }

  async function go(address) {
    if (leaving) return;
    if (dirty) save();
    if (!(await pending)) return;
    leaving = true;
    location.assign(address);
  }

  async function next() {
    if (dirty) save();
    if (!(await pending)) return;
    if (!done) {
      say("k, r, c or d first; s: cannot say", true);
      return;
    }
    go(sheet.dataset.here);
  }

  const back = () => sheet.dataset.before && go(`${sheet.dataset.here}?item=${encodeURIComponent(sheet.dataset.before)}`);

  function pick(value) {
    form.querySelector(`input[name="said"][value="${value}"]`).checked = true;
    save();
  }

  function open(id, first) {
    document.getElementById(id).open = true;
    first.focus();
  }

  // A label that was typed counts when it is one of the labels.
  function typed() {
    if (!field("label").value) return;
    if (!facts.labels.includes(field("label").value)) {
      say("this is none of the labels", true);
      return;
    }
    pick("other");
  }

  const keys = {
    k: () => pick("keep"),
    r: () => pick("suggestion"),
    d: () => pick("drop"),
    s: () => pick("skip"),
    c: () => open("choose", several ? form.querySelector('input[name="names"]') : field("label")),
    n: () => open("more", field("note")),
    u: back,
    Enter: next,
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    const target = event.target;
    const writing = target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && !["radio", "checkbox"].includes(target.type));
    if (writing) {
      if (event.key === "Escape") target.blur();
      if (event.key === "Enter" && target instanceof HTMLInputElement) { event.preventDefault(); target.blur(); }
      return;
    }
    if (event.key === "Enter" && target instanceof Element && target.closest("button, a, summary")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (Object.hasOwn(keys, key)) { event.preventDefault(); keys[key](); }
  });

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    if (event.target === field("label")) { typed(); return; }
    if (event.target === field("note")) { save(); return; }
    if (event.target.name === "names") { pick("other"); return; }
    save();
  });
  form.addEventListener("input", (event) => {
    if (event.target !== field("note") || !choice()) return;
    dirty = true;
    say("…");
    clearTimeout(timer);
    timer = setTimeout(save, 600);
  });
  addEventListener("pagehide", () => { if (dirty) send(); });
  document.getElementById("next").addEventListener("click", next);
  document.getElementById("back").addEventListener("click", back);
})();
