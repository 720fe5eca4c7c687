"use strict";
/* The on-screen keyboard: slides up for the focused field, lights the keys that are pressed. */
const Keyboard = (() => {
  const LETTERS = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];
  const SIGNS = ["1234567890", "-/:;()$&@\"", ".,?!'"];
  const PAD = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "-", "0", "⌫"];
  const LIT_MS = 140;
  let box = null;
  let theme = "ios";
  let layer = "";
  let field = null;

  function key(name, label, extra = "") {
    return `<div class="kb-key ${extra}" data-k="${Markup.escape(name)}"><span>${label}</span></div>`;
  }

  function letters(rows, signs) {
    const other = signs ? "ABC" : theme === "ios" ? "123" : "?123";
    const shift = signs ? key("more", "#+=", "kb-wide kb-dark") : key("Shift", Markup.icon(["shift", "arrow_upward"], theme), "kb-wide kb-dark");
    const erase = key("Backspace", Markup.icon(["delete_left", "backspace"], theme), "kb-wide kb-dark");
    const lines = rows.map((row) => [...row].map((c) => key(c, `<em>${c}</em>`)).join(""));
    const enter = theme === "ios" ? key("Enter", "return", "kb-return kb-dark") : key("Enter", Markup.icon(["", "keyboard_return"], theme), "kb-return kb-accent");
    const comma = theme === "ios" ? key("emoji", Markup.icon(["smiley", ""], theme), "kb-wide kb-dark") : key(",", ",", "kb-dark");
    const stop = theme === "ios" ? "" : key(".", ".", "kb-dark");
    return `<div class="kb-row">${lines[0]}</div><div class="kb-row">${lines[1]}</div>
      <div class="kb-row">${shift}${lines[2]}${erase}</div>
      <div class="kb-row">${key("layer", other, "kb-layer kb-dark")}${comma}${key(" ", theme === "ios" ? "space" : "", "kb-space")}${stop}${enter}</div>`;
  }

  function draw(wanted) {
    if (layer === wanted) return;
    layer = wanted;
    const cells = PAD.map((c) => (c === "⌫" ? key("Backspace", Markup.icon(["delete_left", "backspace"], theme), "kb-dark") : key(c, c)));
    const keys = wanted === "pad" ? `<div class="kb-pad">${cells.join("")}</div>` : letters(wanted === "signs" ? SIGNS : LETTERS, wanted === "signs");
    const hints = wanted === "pad" ? "" : `<div class="kb-hints"></div>`;
    box.innerHTML = `${hints}${keys}<div class="kb-foot"></div>`;
  }

  function fits(character) {
    if (layer === "pad") return;
    const lower = character.toLowerCase();
    if (LETTERS.some((row) => row.includes(lower))) draw("letters");
    else if (SIGNS.some((row) => row.includes(character))) draw("signs");
  }

  function shiftFor(value) {
    box.classList.toggle("shifted", layer === "letters" && (value === "" || /[.!?]\s$/.test(value)));
  }

  function light(name) {
    const cell = box.querySelector(`[data-k="${CSS.escape(name.length === 1 ? name.toLowerCase() : name)}"]`) || box.querySelector(`[data-k="${CSS.escape(name)}"]`);
    if (!cell) return;
    if (/^[A-Z]$/.test(name)) box.classList.add("shifted");
    cell.classList.add("lit");
    setTimeout(() => {
      cell.classList.remove("lit");
      if (field) shiftFor(field.value);
    }, LIT_MS);
  }

  function show(element) {
    field = element;
    draw(element.dataset.kind === "tel" || element.dataset.kind === "number" ? "pad" : "letters");
    shiftFor(element.value);
    box.classList.remove("hidden");
    document.documentElement.classList.add("keyboard-open");
    const page = element.closest(".page-content");
    const line = element.closest("li");
    if (page && line) {
      const hidden = line.getBoundingClientRect().bottom - (box.getBoundingClientRect().top - 12);
      const rest = box.offsetHeight - (innerHeight - box.getBoundingClientRect().top);
      if (hidden + rest > 0) page.scrollTop += hidden + rest;
    }
  }

  function hide() {
    const old = field;
    field = null;
    if (old) old.blur();
    box.classList.add("hidden");
    document.documentElement.classList.remove("keyboard-open");
  }

  function start(world) {
    theme = world.theme;
    box = document.getElementById("keyboard");
    draw("letters");
    document.documentElement.style.setProperty("--keyboard", `${box.offsetHeight}px`);
    addEventListener("focusin", (e) => e.target.matches("input[data-field], textarea") && show(e.target));
    addEventListener("keydown", (event) => {
      if (!field) return;
      if (event.key.length === 1) fits(event.key);
      light(event.key);
      if (event.key !== "Enter" || field.tagName === "TEXTAREA") return;
      event.preventDefault();
      hide();
    });
  }

  return { start, show, hide, shown: () => field !== null };
})();
