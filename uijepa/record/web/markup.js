"use strict";
/* What the markup of every kit is made of. Touches no DOM. What a tap does is collected in `context.acts`: the id of
   an element → {do, record, …}. `context` is {store, theme, dark, accent, acts}. */
const Markup = (() => {
  const HUES = ["#ff3b30", "#ff9500", "#34c759", "#00a3b4", "#007aff", "#5856d6", "#af52de", "#a2845e"];

  function escape(text) {
    return String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  }

  function hue(text) {
    let sum = 0;
    for (const c of String(text)) sum = (sum * 31 + c.charCodeAt(0)) % 9973;
    return HUES[sum % HUES.length];
  }

  /* `pair` holds the icon's name in Framework7 Icons and in Material Icons. The name is drawn as a ligature by
     ::after: as text it would count among the words on the screen. */
  function icon(pair, theme, extra = "") {
    if (!pair) return "";
    const [family, name] = theme === "ios" ? ["f7-icons", pair[0]] : ["material-icons-round", pair[1]];
    return `<i class="icon ${family} ${extra}" data-icon="${name}"></i>`;
  }

  function avatar(name) {
    const letters = String(name).split(/\s+/).map((w) => w[0] || "").join("").slice(0, 2).toUpperCase();
    return `<div class="avatar" style="background:${hue(name)}">${escape(letters)}</div>`;
  }

  /* A picture of `art` = [kind, seed template]. */
  function art([kind, seed], context, record, ratio, more = {}) {
    const { store, dark, accent } = context;
    return Art.draw(kind, store.fill(seed, record), ratio, { dark, accent, ...more });
  }

  function register(context, id, act) {
    context.acts[id] = act;
    return `data-id="${escape(id)}"`;
  }

  /* "name" asks whether it is set, "name=value" what it holds. */
  function truth(condition, context, record) {
    const [name, value] = condition.split("=");
    const held = context.store.lookup(name, record);
    return value === undefined ? Boolean(held) : String(held) === value;
  }

  function shown(spec, context, record) {
    if (spec.when && !truth(spec.when, context, record)) return false;
    return !(spec.unless && truth(spec.unless, context, record));
  }

  /* An icon that shows whether something is on, as hearts and bookmarks do. */
  function light(spec, context, record) {
    return icon(spec.icon, context.theme, spec.on && truth(spec.on, context, record) ? "lit" : spec.on ? "unlit" : "");
  }

  /* The parts of a row: what stands before its text, and what after it. */
  function media(spec, context, record, base) {
    const { store, theme } = context;
    if (spec.check) {
      const on = store.lookup(spec.check, record);
      const act = register(context, `${base}/check`, { flip: spec.check, record, do: spec.checked });
      return `<span class="check ${on ? "checked" : ""}" ${act}>${on ? icon(["checkmark_alt", "check"], theme) : ""}</span>`;
    }
    if (spec.art) return `<div class="thumb">${art(spec.art, context, record, 1)}</div>`;
    if (spec.avatar) return avatar(store.fill(spec.avatar, record));
    return spec.icon ? `<div class="row-icon" style="background:${spec.color || "var(--accent)"}">${icon(spec.icon, theme)}</div>` : "";
  }

  function after(spec, context, record, base, toggle) {
    const { store, theme } = context;
    let html = spec.after === undefined ? "" : escape(store.fill(spec.after, record));
    if (spec.toggle) html = toggle(store.lookup(spec.toggle, record), register(context, `${base}/toggle`, { flip: spec.toggle, record, do: spec.toggled }));
    if (spec.select) html = store.lookup(spec.select[0], null) === store.fill(spec.select[1], record) ? icon(["checkmark_alt", "check"], theme, "selected") : "";
    if (spec.stepper) {
      const part = (sign, by, glyph) => `<span class="step" ${register(context, `${base}/${sign}`, { bump: spec.stepper, by, record })}>${icon(glyph, theme)}</span>`;
      html = `<span class="stepping">${part("minus", -1, ["minus", "remove"])}<b>${escape(store.lookup(spec.stepper, record))}</b>${part("plus", 1, ["plus", "add"])}</span>`;
    }
    for (const button of spec.buttons || []) {
      html += `<span class="row-button" ${register(context, `${base}/${button.id}`, { do: button.do, record })}>${light(button, context, record)}</span>`;
    }
    return html;
  }

  return { escape, hue, icon, avatar, art, register, truth, shown, light, media, after };
})();
