"use strict";
/* Small parts that blocks and the shell are made of: icons, avatars, badges, buttons, form fields. All return HTML.

   `at` is where something is drawn: {store, acts, ui, record, look}. What a click does is collected in `at.acts`:
   the id of an element → {do, record, …}. */
const Parts = (() => {
  const HUES = ["#e5484d", "#e8833a", "#3aa76d", "#12a5b5", "#3b82f6", "#6366f1", "#a855f7", "#a07a5a", "#d6409f", "#64748b"];
  const TONES = {
    success: ["Active", "Paid", "Done", "Delivered", "Online", "Approved", "Published", "Won", "Resolved", "In stock", "On", "Low", "Confirmed"],
    warning: ["Pending", "Away", "Review", "In review", "Draft", "Medium", "Waiting", "Low stock", "Scheduled", "Proposal", "Invited"],
    danger: ["Overdue", "Blocked", "High", "Urgent", "Lost", "Failed", "Refunded", "Out of stock", "Suspended", "Cancelled", "Declined"],
    info: ["New", "Shipped", "In progress", "Open", "Doing", "Qualified", "Contacted", "Packed", "Trial", "Editor"],
  };

  function escape(text) {
    return String(text ?? "").replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  }

  function hash(text) {
    let sum = 0;
    for (const c of String(text)) sum = (sum * 31 + c.charCodeAt(0)) % 99991;
    return sum;
  }

  const hue = (text) => HUES[hash(text) % HUES.length];
  const tone = (text) => Object.keys(TONES).find((name) => TONES[name].includes(text)) || "secondary";
  const icon = (name, extra = "") => (name ? `<i class="bi bi-${name} ${extra}"></i>` : "");
  const badge = (text) => (text ? `<span class="badge tone-${tone(text)}">${escape(text)}</span>` : "");

  function avatar(name, extra = "") {
    const letters = String(name).split(/\s+/).map((w) => w[0] || "").join("").slice(0, 2).toUpperCase();
    return `<span class="avatar ${extra}" style="--hue:${hue(name)}">${escape(letters)}</span>`;
  }

  function picture(name, glyph) {
    return `<div class="picture" style="--hue:${hue(name)};--turn:${hash(name) % 360}deg">${icon(glyph)}</div>`;
  }

  function register(at, id, act) {
    at.acts[id] = { record: at.record, ...act };
    return `data-id="${escape(id)}"`;
  }

  /* `when`/`unless` name a value, or are {value: wanted}. */
  function truth(test, at) {
    if (typeof test === "string") return Boolean(at.store.lookup(test, at.record));
    return Object.entries(test).every(([name, wanted]) => at.store.lookup(name, at.record) === at.store.fill(wanted, at.record));
  }

  const shown = (spec, at) => !(spec.when && !truth(spec.when, at)) && !(spec.unless && truth(spec.unless, at));

  function button(spec, at, base = spec.id) {
    const look = { primary: "btn-primary", danger: "btn-outline-danger", link: "btn-link", plain: "btn-plain" }[spec.look] || "btn-light";
    const text = spec.text ? `<span>${escape(at.store.fill(spec.text, at.record))}</span>` : "";
    const act = spec.menu ? { menu: spec.menu } : { do: spec.do };
    const tip = spec.tip && !text ? `data-tip="${escape(spec.tip)}"` : "";
    return `<button type="button" tabindex="-1" class="btn ${look} ${text ? "" : "btn-icon"}" ${tip} ${register(at, base, act)}>${icon(spec.icon)}${text}</button>`;
  }

  const buttons = (list, at) => (list || []).filter((b) => shown(b, at)).map((b) => button(b, at)).join("");

  function toggle(on, attributes) {
    return `<span class="form-check form-switch" ${attributes}><input class="form-check-input" type="checkbox" tabindex="-1" ${on ? "checked" : ""}/></span>`;
  }

  function choice(text, id, at, options, set) {
    const menu = options.map((option) => ({ id: `option:${option}`, text: option, chosen: option === text, do: set(option) }));
    return `<button type="button" tabindex="-1" class="form-select text-start" ${register(at, id, { menu, anchored: true })}>${escape(text)}</button>`;
  }

  /* The control of a form field. It holds the record's value when `bind` is set, else that of the form (the draft). */
  const controls = {
    line(f, value, attributes) {
      const type = f.kind === "password" ? "password" : "text";
      return `<input type="${type}" class="form-control ${f.kind === "title" ? "title-input" : ""}" ${attributes} value="${escape(value)}"/>`;
    },
    bare: (f, value, attributes) => `<input type="text" class="bare-input" ${attributes} value="${escape(value)}"/>`,
    long: (f, value, attributes) => `<textarea class="form-control" rows="${f.rows || 4}" ${attributes}>${escape(value)}</textarea>`,
    doc: (f, value, attributes) => `<textarea class="doc-input" rows="${f.rows || 12}" ${attributes}>${escape(value)}</textarea>`,
    search: (f, value, attributes) => `<div class="search-box">${icon("search")}<input type="text" class="form-control" ${attributes} value="${escape(value)}"/></div>`,
  };

  function control(f, at, id = f.id) {
    const value = f.bind ? at.record[f.id] : at.store.draft[f.id];
    const set = (to) => (f.bind ? { set: { [f.id]: to } } : { draft: { [f.id]: to } });
    const after = (to) => [set(to), ...[f.do || []].flat()];
    if (f.kind === "select") return choice(value, id, at, f.options, after);
    if (f.kind === "segmented") {
      const cells = f.options.map((o) => `<button type="button" tabindex="-1" class="btn ${o === value ? "btn-primary" : "btn-light"}" ${register(at, `${id}/${o}`, { do: after(o) })}>${escape(o)}</button>`);
      return `<div class="btn-group">${cells.join("")}</div>`;
    }
    if (f.kind === "radio") {
      return f.options.map((o) => `<span class="form-check" ${register(at, `${id}/${o}`, { do: after(o) })}><input class="form-check-input round" type="checkbox" tabindex="-1" ${o === value ? "checked" : ""}/><span class="form-check-label">${escape(o)}</span></span>`).join("");
    }
    if (f.kind === "check" || f.kind === "switch") {
      const look = f.kind === "switch" ? "form-switch" : "";
      return `<span class="form-check ${look}" ${register(at, id, { do: after(!value) })}><input class="form-check-input" type="checkbox" tabindex="-1" ${value ? "checked" : ""}/><span class="form-check-label">${escape(f.label)}</span></span>`;
    }
    const attributes = `${register(at, id, { field: f })} data-field="${f.id}" placeholder="${escape(f.placeholder || "")}" autocomplete="off" spellcheck="false"`;
    return (controls[f.kind] || controls.line)(f, value, attributes);
  }

  function field(f, at) {
    const wrong = at.ui.wrong?.[f.id];
    const label = f.label && f.kind !== "check" && f.kind !== "switch" ? `<label class="form-label">${escape(f.label)}</label>` : "";
    const help = wrong ? `<div class="form-wrong">${escape(wrong)}</div>` : f.help ? `<div class="form-text">${escape(f.help)}</div>` : "";
    const key = f.bind ? `${f.id}-${at.record.key}` : f.id;
    return `<div class="field ${f.half ? "half" : ""} ${wrong ? "wrong" : ""}" data-key="field-${escape(key)}">${label}${control(f, at)}${help}</div>`;
  }

  return { escape, hash, hue, tone, icon, badge, avatar, picture, register, shown, truth, button, buttons, toggle, choice, control, field };
})();
