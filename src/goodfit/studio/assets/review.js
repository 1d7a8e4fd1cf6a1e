"use strict";
// One item of a review: keys, and every change saved at once. The page works from the form; this file only sends it and moves on.
(() => {
  const sheet = document.getElementById("sheet");
  if (!sheet) return;
  const form = document.getElementById("answer");
  const state = document.getElementById("state");
  const ratings = [...document.querySelectorAll(".rating")];
  const sides = sheet.dataset.sides === "2" ? ["a", "b"] : ["a"];
  let whole = sheet.dataset.whole === "yes";
  let pending = Promise.resolve(true);
  let dirty = false;
  let leaving = false;
  let timer = 0;

  const field = (name) => form.elements.namedItem(name);
  const picked = (name) => form.querySelector(`input[name="${name}"]:checked`);

  function answer() {
    const out = { item: sheet.dataset.item, prefer: null, ratings: {}, skipped: field("skipped").checked, note: field("note").value };
    out.tags = [...new Set(field("tags").value.split(",").map((tag) => tag.trim()).filter(Boolean))];
    if (picked("prefer")) out.prefer = picked("prefer").value;
    for (const side of sides) {
      for (const row of ratings.filter((r) => r.dataset.side === side)) {
        const chosen = picked(`${side}-${row.dataset.dimension}`);
        if (chosen) (out.ratings[side] ??= {})[row.dataset.dimension] = Number(chosen.value);
      }
    }
    return out;
  }

  function savedWords() {
    const left = ratings.filter((row) => !row.querySelector("input:checked")).length;
    return whole || !left ? "saved" : `saved, ${left} to rate`;
  }

  function say(text, bad = false) {
    state.textContent = text;
    state.classList.toggle("bad", bad);
  }

  async function send() {
    dirty = false;
    say("saving …");
    try {
      const got = await fetch(sheet.dataset.here, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(answer()), keepalive: true,
      });
      const said = await got.json().catch(() => ({}));
      if (!got.ok) throw new Error(said.error ? said.error.message : `answer ${got.status}`);
      whole = said.whole;
      document.getElementById("far").textContent = `${said.answered} of ${said.of}`;
      document.getElementById("bar").value = said.answered;
      say(savedWords());
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
    if (!whole) {
      const prefer = sheet.dataset.ask.includes("prefer") && sides.length > 1 && !picked("prefer");
      say(prefer ? "a, b or t first; s: cannot say" : "1 to 5 for each first; s: cannot say", true);
      return;
    }
    go(sheet.dataset.here);
  }

  const back = () => sheet.dataset.before && go(`${sheet.dataset.here}?item=${encodeURIComponent(sheet.dataset.before)}`);

  function current() {
    return ratings.find((row) => row.classList.contains("current"));
  }

  function moveTo(row, scroll = true) {
    ratings.forEach((other) => other.classList.toggle("current", other === row));
    if (row && scroll) row.scrollIntoView({ block: "nearest" });
  }

  function mark() {
    const prefer = picked("prefer");
    for (const side of sides) {
      document.getElementById(`side-${side}`).classList.toggle("chosen", Boolean(prefer) && (prefer.value === side));
    }
  }

  function rate(value) {
    const row = current() || ratings[0];
    const input = row && row.querySelector(`input[value="${value}"]`);
    if (!input) return;
    input.checked = true;
    moveTo(ratings[Math.min(ratings.indexOf(row) + 1, ratings.length - 1)]);
    save();
  }

  function toggle(input, on = true) {
    if (!input) return;
    input.checked = on;
    mark();
    save();
  }

  function openNote() {
    document.getElementById("more").open = true;
    field("note").focus();
  }

  const keys = {
    a: () => toggle(form.querySelector('input[name="prefer"][value="a"]')),
    b: () => toggle(form.querySelector('input[name="prefer"][value="b"]')),
    t: () => toggle(form.querySelector('input[name="prefer"][value="tie"]')),
    s: () => toggle(field("skipped"), !field("skipped").checked),
    n: openNote,
    r: () => { const box = document.getElementById("reference"); if (box) box.open = !box.open; },
    u: back,
    Enter: next,
    ArrowDown: () => ratings.length && moveTo(ratings[Math.min(ratings.indexOf(current()) + 1, ratings.length - 1)]),
    ArrowUp: () => ratings.length && moveTo(ratings[Math.max(ratings.indexOf(current()) - 1, 0)]),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    const writing = event.target instanceof HTMLTextAreaElement || (event.target instanceof HTMLInputElement && !["radio", "checkbox"].includes(event.target.type));
    if (writing) {
      if (event.key === "Escape") event.target.blur();
      if (event.key === "Enter" && event.target instanceof HTMLInputElement) { event.preventDefault(); event.target.blur(); }
      return;
    }
    if (event.key === "Enter" && event.target instanceof Element && event.target.closest("button, a, summary")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (ratings.length && /^[1-5]$/.test(key)) { event.preventDefault(); rate(key); return; }
    if (Object.hasOwn(keys, key) && (ratings.length || !key.startsWith("Arrow"))) { event.preventDefault(); keys[key](); }
  });

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    mark();
    const row = event.target.closest(".rating");
    if (row) moveTo(ratings[Math.min(ratings.indexOf(row) + 1, ratings.length - 1)]);
    save();
  });
  form.addEventListener("input", (event) => {
    if (event.target !== field("note") && event.target !== field("tags")) return;
    dirty = true;
    say("…");
    clearTimeout(timer);
    timer = setTimeout(save, 600);
  });
  addEventListener("pagehide", () => { if (dirty) send(); });
  document.getElementById("next").addEventListener("click", next);
  document.getElementById("back").addEventListener("click", back);
  mark();
  moveTo(ratings.find((row) => !row.querySelector("input:checked")) || ratings[0], false);
})();
