"use strict";
// What every page of a review shares: each change is sent at once and in turn, keys act, and nobody leaves with something unsaved.
// how.answer() is what is sent, null while there is nothing; how.saved(said) takes what came back and says so in words; how.missing() says
// what must be answered before the next item, null where nothing is.
function reviewSheet(sheet, form, how) {
  const state = document.getElementById("state");
  let pending = Promise.resolve(true);
  let dirty = false;
  let leaving = false;
  let timer = 0;

  function say(text, bad = false) {
    state.textContent = text;
    state.classList.toggle("bad", bad);
  }

  async function send() {
    const body = how.answer();
    dirty = false;
    if (!body) return true;
    say("saving …");
    try {
      const got = await fetch(sheet.dataset.here, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), keepalive: true,
      });
      const said = await got.json().catch(() => ({}));
      if (!got.ok) throw new Error(said.error ? said.error.message : `answer ${got.status}`);
      document.getElementById("far").textContent = `${said.answered} of ${said.of}`;
      document.getElementById("bar").value = said.answered;
      say(how.saved(said));
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

  // While somebody writes: saved when they pause.
  function saveSoon() {
    dirty = true;
    say("…");
    clearTimeout(timer);
    timer = setTimeout(save, 600);
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
    const missing = how.missing();
    if (missing) {
      say(missing, true);
      return;
    }
    go(sheet.dataset.here);
  }

  const back = () => sheet.dataset.before && go(`${sheet.dataset.here}?item=${encodeURIComponent(sheet.dataset.before)}`);

  // act(key) does what a key means, and says whether it means anything.
  function listen(act) {
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
      if (act(event.key.length === 1 ? event.key.toLowerCase() : event.key)) event.preventDefault();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    addEventListener("pagehide", () => { if (dirty) send(); });
    document.getElementById("next").addEventListener("click", next);
    document.getElementById("back").addEventListener("click", back);
  }

  return { say, save, saveSoon, next, back, listen };
}
