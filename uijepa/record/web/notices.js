"use strict";
/* Messages that come in from above while something else is being done, and leave by a swipe or by themselves. */
const Notices = (() => {
  const STAY_MS = 4200;
  let shown = false;
  let leave = 0;

  const element = () => document.getElementById("notice");

  function show({ name, icon, title, text }, theme) {
    const [from, to] = icon.colors;
    const glyph = `<div class="notice-icon" style="background:linear-gradient(${from},${to})">${Markup.icon([icon.ios, icon.md], theme)}</div>`;
    const head = theme === "md" ? `<small>${Markup.escape(name)} · now</small>` : "";
    const when = theme === "ios" ? "<i>now</i>" : "";
    element().innerHTML = `${glyph}<div class="notice-text">${head}<b>${Markup.escape(title)}</b>${when}<p>${Markup.escape(text)}</p></div>`;
    element().classList.remove("away");
    shown = true;
    clearTimeout(leave);
    leave = setTimeout(hide, STAY_MS);
  }

  function hide() {
    shown = false;
    clearTimeout(leave);
    element().classList.add("away");
  }

  /* `world.notices`: [{ms, name, icon, title, text}], ms after the start. */
  function start(world) {
    for (const notice of world.notices) setTimeout(() => show(notice, world.theme), notice.ms);
  }

  /* Where a notice lies, px, or null. */
  function box() {
    if (!shown) return null;
    const r = element().getBoundingClientRect();
    return { x: r.x, y: r.y, width: r.width, height: r.height };
  }

  return { start, hide, box };
})();
