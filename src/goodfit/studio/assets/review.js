"use strict";
// One item of a review: what its form says, and what its keys mean. Saving and moving on are those of every review (sheet.js).
(() => {
  const sheet = document.getElementById("sheet");
  if (!sheet) return;
  const form = document.getElementById("answer");
  const ratings = [...document.querySelectorAll(".rating")];
  const sides = sheet.dataset.sides === "2" ? ["a", "b"] : ["a"];
  let whole = sheet.dataset.whole === "yes";

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

  function missing() {
    if (whole) return null;
    const prefer = sheet.dataset.ask.includes("prefer") && sides.length > 1 && !picked("prefer");
    return prefer ? "a, b or t first; s: cannot say" : "1 to 5 for each first; s: cannot say";
  }

  const page = reviewSheet(sheet, form, { answer, saved: (said) => { whole = said.whole; return savedWords(); }, missing });

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
    page.save();
  }

  function toggle(input, on = true) {
    if (!input) return;
    input.checked = on;
    mark();
    page.save();
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
    u: page.back,
    Enter: page.next,
    ArrowDown: () => ratings.length && moveTo(ratings[Math.min(ratings.indexOf(current()) + 1, ratings.length - 1)]),
    ArrowUp: () => ratings.length && moveTo(ratings[Math.max(ratings.indexOf(current()) - 1, 0)]),
  };

  page.listen((key) => {
    if (ratings.length && /^[1-5]$/.test(key)) rate(key);
    else if (Object.hasOwn(keys, key) && (ratings.length || !key.startsWith("Arrow"))) keys[key]();
    else return false;
    return true;
  });
  form.addEventListener("change", (event) => {
    mark();
    const row = event.target.closest(".rating");
    if (row) moveTo(ratings[Math.min(ratings.indexOf(row) + 1, ratings.length - 1)]);
    page.save();
  });
  form.addEventListener("input", (event) => {
    if (event.target === field("note") || event.target === field("tags")) page.saveSoon();
  });
  mark();
  moveTo(ratings.find((row) => !row.querySelector("input:checked")) || ratings[0], false);
})();
