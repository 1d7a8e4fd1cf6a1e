"use strict";
// One row of a review of labels: what its form says, and what its keys mean. Saving and moving on are those of every review (sheet.js).
(() => {
  const sheet = document.getElementById("sheet");
  if (!sheet) return;
  const form = document.getElementById("answer");
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const several = sheet.dataset.several === "yes";
  let done = sheet.dataset.done === "yes";

  const field = (name) => form.elements.namedItem(name);
  const choice = () => form.querySelector('input[name="said"]:checked');

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

  const page = reviewSheet(sheet, form, {
    answer,
    saved: () => { done = true; return "saved"; },
    missing: () => (done ? null : "k, r, c or d first; s: cannot say"),
  });

  function pick(value) {
    form.querySelector(`input[name="said"][value="${value}"]`).checked = true;
    page.save();
  }

  function open(id, first) {
    document.getElementById(id).open = true;
    first.focus();
  }

  // A label that was typed counts when it is one of the labels.
  function typed() {
    if (!field("label").value) return;
    if (!facts.labels.includes(field("label").value)) {
      page.say("this is none of the labels", true);
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
    u: page.back,
    Enter: page.next,
  };

  page.listen((key) => {
    if (!Object.hasOwn(keys, key)) return false;
    keys[key]();
    return true;
  });
  form.addEventListener("change", (event) => {
    if (event.target === field("label")) { typed(); return; }
    if (event.target.name === "names") { pick("other"); return; }
    page.save();
  });
  form.addEventListener("input", (event) => {
    if (event.target === field("note") && choice()) page.saveSoon();
  });
})();
