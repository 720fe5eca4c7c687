"use strict";
/* The blocks a screen is built from → HTML. `draw(spec, at)` draws one; see parts.js for `at`. */
const Blocks = (() => {
  const { escape, hash, hue, icon, badge, avatar, picture, register, shown, buttons, toggle, control, field } = Parts;

  /* Records a block shows: filtered, searched and sorted. */
  function records(spec, name, at) {
    const { store } = at;
    let found = store.select(name, spec.where, null, at.record);
    if (spec.search) {
      const [from, ...fields] = spec.search;
      const wanted = String(store.draft[from] || "").toLowerCase();
      found = found.filter((r) => fields.some((f) => String(r[f]).toLowerCase().includes(wanted)));
    }
    for (const [from, name_] of spec.filter || []) {
      const wanted = store.draft[from];
      if (wanted && !wanted.startsWith("All ") && !wanted.startsWith("Any ")) found = found.filter((r) => r[name_] === wanted);
    }
    const state = (at.ui[name] ??= { sort: spec.sort || null, down: Boolean(spec.down), page: 0 });
    if (state.sort) {
      const rank = (r) => rankOf(r[state.sort]);
      found.sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0) * (state.down ? -1 : 1));
    }
    return { found, state };
  }

  /* Money and numbers by amount, dates and all else as the store ranks them. */
  function rankOf(value) {
    const number = /^\$?([\d,]+(\.\d+)?)( [KMG]B)?%?$/.exec(value);
    if (!number) return Store.rank(value);
    return Number(number[1].replaceAll(",", "")) * ({ " MB": 1e3, " GB": 1e6 }[number[3]] || 1);
  }

  const cells = {
    badge: (text) => badge(text),
    avatar: (text) => `<span class="who">${avatar(text, "small")}<b>${escape(text)}</b></span>`,
    strong: (text) => `<b>${escape(text)}</b>`,
    link: (text) => `<span class="linked">${escape(text)}</span>`,
    muted: (text) => `<span class="muted">${escape(text)}</span>`,
    money: (text) => `<span class="money">${escape(text)}</span>`,
    bar: (text) => `<span class="progress"><span class="progress-bar" style="width:${parseInt(text, 10)}%"></span></span>`,
    thing: (text) => `<span class="who">${picture(text, "box-seam")}<b>${escape(text)}</b></span>`,
  };

  function rowButtons(spec, at, base) {
    let html = (spec.buttons || []).filter((b) => shown(b, at)).map((b) => Parts.button({ look: "plain", ...b }, at, `${base}/${b.id}`)).join("");
    if (spec.menu) html += Parts.button({ look: "plain", icon: "three-dots", menu: spec.menu }, at, `${base}/more`);
    return html;
  }

  /* What a record's element can do: clicked, right-clicked, dragged, dropped upon. */
  function reach(spec, at, base) {
    const act = { do: spec.do, twice: spec.twice, context: spec.menu, drop: spec.drop, dragged: spec.drag };
    const drag = spec.drag ? `data-drag="${escape(base)}"` : "";
    const onto = spec.drop && (!spec.drop.where || at.store.matches(at.record, spec.drop.where)) ? `data-drop="${escape(base)}"` : "";
    return `${register(at, base, act)} ${drag} ${onto}`;
  }

  const each = (spec, name, at, found, draw) => found.map((record) => draw({ ...at, record }, `${name}:${record.key}`)).join("");
  const fill = (text, at) => escape(at.store.fill(text ?? "", at.record));

  function table(spec, at) {
    const name = spec.table;
    const { found, state } = records(spec, name, at);
    const size = spec.page || 8;
    const pages = Math.max(1, Math.ceil(found.length / size));
    state.page = Math.min(state.page, pages - 1);
    const head = spec.columns.map((c) => {
      const by = /^\{(\w+)\}$/.exec(c.value)?.[1];
      const arrow = by && state.sort === by ? icon(state.down ? "arrow-down" : "arrow-up") : icon("arrow-down-up", "faint");
      const act = by ? register(at, `head:${c.title}`, { sort: [name, by] }) : "";
      return `<th class="${c.as === "money" ? "text-end" : ""} ${by ? "sortable" : ""}" ${act}>${escape(c.title)}${by ? arrow : ""}</th>`;
    });
    const tools = spec.buttons || spec.menu ? "<th></th>" : "";
    const check = spec.check ? `<th class="tick"></th>` : "";
    const shownRows = found.slice(state.page * size, (state.page + 1) * size);
    const rows = each(spec, name, at, shownRows, (here, base) => {
      const tds = spec.columns.map((c) => `<td class="${c.as === "money" ? "text-end" : ""}">${(cells[c.as] || escape)(here.store.fill(c.value, here.record))}</td>`);
      const last = tools ? `<td class="row-tools">${rowButtons(spec, here, base)}</td>` : "";
      const tick = spec.check ? `<td class="tick"><span ${register(here, `${base}/check`, { do: { set: { [spec.check]: !here.record[spec.check] } } })}><input type="checkbox" class="form-check-input" tabindex="-1" ${here.record[spec.check] ? "checked" : ""}/></span></td>` : "";
      return `<tr class="${spec.do ? "clickable" : ""} ${spec.check && here.record[spec.check] ? "ticked" : ""}" ${reach(spec, here, base)} data-key="${escape(base)}">${tick}${tds.join("")}${last}</tr>`;
    });
    const none = rows ? "" : `<div class="nothing">${icon("inbox")}<p>${escape(spec.empty || "Nothing found")}</p></div>`;
    const turn = (id, glyph, by, off) => `<button type="button" tabindex="-1" class="btn btn-light btn-icon ${off ? "disabled" : ""}" ${register(at, id, { turn: [name, by] })}>${icon(glyph)}</button>`;
    const from = found.length ? state.page * size + 1 : 0;
    const foot = found.length > size || spec.foot
      ? `<div class="table-foot"><span>${from} to ${Math.min(found.length, from + size - 1)} of ${found.length}</span><div class="btn-group">${turn("page:previous", "chevron-left", -1, state.page === 0)}${turn("page:next", "chevron-right", 1, state.page >= pages - 1)}</div></div>` : "";
    return `<div class="card table-card"><table class="table"><thead><tr>${check}${head.join("")}${tools}</tr></thead><tbody>${rows}</tbody></table>${none}${foot}</div>`;
  }

  function line(spec, at, base) {
    const { store, record } = at;
    let media = "";
    if (spec.avatar) media = avatar(store.fill(spec.avatar, record));
    if (spec.icon) media = `<span class="line-icon" style="--hue:${spec.color || hue(fill(spec.title, at))}">${icon(store.fill(spec.icon, record))}</span>`;
    if (spec.picture) media = picture(fill(spec.title, at), store.fill(spec.picture, record));
    const on = spec.check && store.lookup(spec.check, record);
    if (spec.check) media = `<span class="line-check" ${register(at, `${base}/check`, { do: [record && spec.check in record ? { set: { [spec.check]: !on } } : { put: { [spec.check]: !on } }, ...[spec.checked || []].flat()] })}><input type="checkbox" class="form-check-input round" tabindex="-1" ${on ? "checked" : ""}/></span>${media}`;
    let after = spec.after ? `<span class="after">${fill(spec.after, at)}</span>` : "";
    if (spec.badge) after += badge(store.fill(spec.badge, record));
    if (spec.toggle) {
      const state = store.lookup(spec.toggle, record);
      const flip = record && spec.toggle in record ? { set: { [spec.toggle]: !state } } : { put: { [spec.toggle]: !state } };
      after += toggle(state, register(at, `${base}/toggle`, { do: [flip, ...[spec.toggled || []].flat()] }));
    }
    if (spec.select) {
      const [name, options] = spec.select;
      after += `<div class="line-select">${Parts.choice(store.lookup(name, record), `${base}/select`, at, options, (to) => ({ put: { [name]: to } }))}</div>`;
    }
    after += rowButtons(spec, at, base);
    const chosen = spec.chosen && store.values[spec.chosen] === record ? "chosen" : "";
    const unread = spec.strong && store.lookup(spec.strong, record) ? "strong" : "";
    const indent = spec.indent ? `style="--level:${store.lookup(spec.indent, record) || 0}"` : "";
    const edit = spec.edit ? control({ id: spec.edit, bind: true, kind: "bare" }, at, `${base}/${spec.edit}`) : "";
    const title = edit || `<div class="line-title ${on ? "struck" : ""}">${fill(spec.title, at)}</div>`;
    const sub = spec.subtitle ? `<div class="line-sub">${fill(spec.subtitle, at)}</div>` : "";
    const text = spec.text ? `<div class="line-text">${fill(spec.text, at)}</div>` : "";
    return `<div class="line ${spec.do ? "clickable" : ""} ${chosen} ${unread}" ${indent} ${reach(spec, at, base)} data-key="${escape(base)}">${media}<div class="line-body">${title}${sub}${text}</div><div class="line-after">${after}</div></div>`;
  }

  function list(spec, at) {
    const { found } = records(spec, spec.list, at);
    const lines = each(spec, spec.list, at, found, (here, base) => line(spec.item, here, base));
    const none = spec.empty ? `<div class="nothing">${icon("inbox")}<p>${escape(spec.empty)}</p></div>` : "";
    return `${header(spec, at)}<div class="lines ${spec.style || ""}">${lines || none}</div>`;
  }

  const header = (spec, at) => (spec.header ? `<h6 class="block-title">${fill(spec.header, at)}</h6>` : "");

  function rows(spec, at) {
    const lines = spec.rows.filter((r) => shown(r, at)).map((r) => line(r, at, r.id)).join("");
    return `${header(spec, at)}<div class="lines card ${spec.style || ""}">${lines}</div>`;
  }

  function cards(spec, at) {
    const { found } = records(spec, spec.cards, at);
    const { item } = spec;
    const html = each(spec, spec.cards, at, found, (here, base) => {
      const name = fill(item.title, here);
      const art = item.picture ? picture(name, here.store.fill(item.picture, here.record)) : "";
      const rest = [item.subtitle && `<div class="card-sub">${fill(item.subtitle, here)}</div>`, item.text && `<div class="card-words">${fill(item.text, here)}</div>`].filter(Boolean).join("");
      const foot = item.price || item.buttons ? `<div class="card-foot">${item.price ? `<b>${fill(item.price, here)}</b>` : "<span></span>"}<span>${(item.buttons || []).map((b) => Parts.button(b, here, `${base}/${b.id}`)).join("")}</span></div>` : "";
      return `<div class="card good ${item.do ? "clickable" : ""}" ${reach(item, here, base)} data-key="${escape(base)}">${art}<div class="card-body"><div class="card-name">${name} ${item.badge ? badge(here.store.fill(item.badge, here.record)) : ""}</div>${rest}${foot}</div></div>`;
    });
    return `${header(spec, at)}<div class="goods" style="--min:${spec.min || 13}rem">${html || `<div class="nothing">${icon("inbox")}<p>${escape(spec.empty || "Nothing here")}</p></div>`}</div>`;
  }

  function board(spec, at) {
    const name = spec.board;
    const { found } = records(spec, name, at);
    const lanes = spec.lanes.map((lane) => {
      const mine = found.filter((r) => r[spec.by] === lane);
      const html = each(spec, name, at, mine, (here, base) => {
        const { item } = spec;
        const tags = (item.tags || []).map((t) => badge(here.store.fill(t, here.record))).join("");
        const foot = item.avatar || item.after ? `<div class="task-foot"><span class="muted">${fill(item.after, here)}</span>${item.avatar ? avatar(here.store.fill(item.avatar, here.record), "small") : ""}</div>` : "";
        return `<div class="card task clickable" ${reach({ drag: true, ...item }, here, base)} data-key="${escape(base)}">${tags ? `<div class="tags">${tags}</div>` : ""}<div class="task-title">${fill(item.title, here)}</div>${foot}</div>`;
      });
      const add = spec.add ? `<button type="button" tabindex="-1" class="btn btn-plain add-card" ${register(at, `add:${lane}`, { do: [{ draft: { [spec.by]: lane } }, ...[spec.add].flat()] })}>${icon("plus")}<span>Add card</span></button>` : "";
      const act = register(at, `lane:${lane}`, { drop: { do: [{ set: { [spec.by]: lane } }, ...[spec.moved || []].flat()] } });
      return `<div class="lane" ${act} data-drop="lane:${escape(lane)}" data-key="lane-${escape(lane)}"><div class="lane-head"><span class="dot" style="--hue:${hue(lane)}"></span><b>${escape(lane)}</b><span class="count">${mine.length}</span></div><div class="lane-body">${html}</div>${add}</div>`;
    });
    return `<div class="board">${lanes.join("")}</div>`;
  }

  function files(spec, at) {
    const { found } = records(spec, spec.files, at);
    const html = each(spec, spec.files, at, found, (here, base) => {
      const { item } = spec;
      const chosen = item.chosen && here.store.values[item.chosen] === here.record ? "chosen" : "";
      const glyph = here.store.fill(item.icon, here.record);
      return `<div class="file ${chosen}" ${reach(item, here, base)} data-key="${escape(base)}"><span class="file-icon icon-${glyph}">${icon(glyph)}</span><div class="file-name">${fill(item.title, here)}</div></div>`;
    });
    return `<div class="files">${html || `<div class="nothing">${icon("folder2-open")}<p>This folder is empty</p></div>`}</div>`;
  }

  function form(spec, at) {
    const fields = spec.form.filter((f) => shown(f, at)).map((f) => field(f, at)).join("");
    return `${header(spec, at)}<div class="form ${spec.style || ""}">${fields}</div>`;
  }

  /* A row of fields and buttons above a table or list. */
  function tools(spec, at) {
    const parts = spec.tools.filter((t) => shown(t, at)).map((t) => (t.kind ? `<div class="tool tool-${t.kind}" data-key="tool-${t.id}">${control(t, at)}</div>` : t.gap ? `<span class="flex-grow-1"></span>` : Parts.button(t, at)));
    return `<div class="tools ${spec.style || ""}">${parts.join("")}</div>`;
  }

  function tabs(spec, at) {
    const open = at.store.draft[spec.tabs] ?? spec.items[0].id;
    const heads = spec.items.map((t) => `<a class="nav-link ${t.id === open ? "active" : ""}" ${register(at, `tab:${t.id}`, { do: { draft: { [spec.tabs]: t.id } } })}>${icon(t.icon)}${escape(t.text)}</a>`);
    const body = spec.items.find((t) => t.id === open).body;
    return `<div class="nav ${at.look.tabs} tabs">${heads.join("")}</div><div class="tab-body" data-key="tab-${open}">${all(body, at)}</div>`;
  }

  function stats(spec, at) {
    const cards_ = spec.stats.map((s) => `<div class="card stat"><div class="stat-title">${escape(s.title)}${s.icon ? icon(s.icon) : ""}</div><div class="stat-value">${fill(s.value, at)}</div>${s.note ? `<div class="stat-note">${fill(s.note, at)}</div>` : ""}</div>`);
    return `<div class="stats">${cards_.join("")}</div>`;
  }

  /* A drawing with numbers of its own: nothing depends on it. */
  function chart(spec, at) {
    const seed = hash(at.look.brand + spec.title);
    const value = (i) => 18 + ((seed * (i + 3) * 7919) % 71);
    const points = Array.from({ length: 12 }, (_, i) => value(i));
    const bars = points.map((p, i) => `<rect x="${i * 30 + 8}" y="${100 - p}" width="16" height="${p}" rx="2"/>`).join("");
    const path = points.map((p, i) => `${i ? "L" : "M"}${i * 30 + 16} ${100 - p}`).join(" ");
    const art = spec.chart === "bars" ? bars : `<path class="area" d="${path} L346 100 L16 100Z"/><path class="curve" d="${path}"/>`;
    return `<div class="card chart-card"><div class="chart-title">${escape(spec.title)}</div><svg class="chart" viewBox="0 0 360 104" preserveAspectRatio="none">${art}</svg></div>`;
  }

  function thread(spec, at) {
    const { found } = records(spec, spec.thread, at);
    const lines = each(spec, spec.thread, at, found, (here, base) => {
      const { name, text, time } = here.record;
      return `<div class="post ${here.record.mine ? "mine" : ""}" ${reach(spec, here, base)} data-key="${escape(base)}">${avatar(name)}<div class="post-body"><b>${escape(name)}</b><span class="muted">${escape(time)}</span><div>${escape(text)}</div></div><div class="post-tools">${rowButtons(spec, here, base)}</div></div>`;
    });
    return `<div class="thread" data-end>${lines}</div>`;
  }

  function calendar(spec, at) {
    const name = spec.calendar;
    const today = new Date();
    const [year, month] = [today.getUTCFullYear(), today.getUTCMonth()];
    const first = new Date(Date.UTC(year, month, 1)).getUTCDay();
    const days = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
    const head = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"].map((d) => `<div class="week-day">${d}</div>`).join("");
    const cells_ = Array.from({ length: 42 }, (_, i) => {
      const day = i - first + 1;
      if (day < 1 || day > days) return i < 35 || days + first > 35 ? `<div class="day off"></div>` : "";
      const mine = at.store.select(name, { day: String(day) }, null, null);
      const chips = each(spec, name, at, mine, (here, base) => `<div class="chip" style="--hue:${hue(here.record.title)}" ${reach({ drag: true, ...spec.item }, here, base)} data-key="${escape(base)}">${fill(spec.item.title, here)}</div>`);
      const act = register(at, `day:${day}`, { do: [{ draft: { day: String(day) } }, ...[spec.do].flat()], drop: { do: { set: { day: String(day) } } } });
      return `<div class="day ${day === today.getUTCDate() ? "today" : ""}" ${act} data-drop="day:${day}" data-key="day-${day}"><span class="day-number">${day}</span>${chips}</div>`;
    });
    return `<div class="calendar card">${head}${cells_.join("")}</div>`;
  }

  function notebook(spec, at) {
    const { found } = records(spec, spec.notebook, at);
    return each(spec, spec.notebook, at, found, (here, base) => {
      const r = here.record;
      const source = `<textarea class="cell-source ${r.kind}" rows="${String(r.source).split("\n").length}" data-field="source" spellcheck="false" ${register(here, `${base}/source`, { field: { id: "source", bind: true } })}>${escape(r.source)}</textarea>`;
      const out = r.output ? `<pre class="cell-output">${escape(r.output)}</pre>` : "";
      const count = r.kind === "code" ? `[${r.count || " "}]` : "";
      const chosen = here.store.values.cell === r ? "chosen" : "";
      return `<div class="cell ${r.kind} ${chosen}" ${reach(spec, here, base)} data-key="${escape(base)}"><div class="cell-count">${count}</div><div class="cell-body">${source}${out}</div><div class="cell-tools">${rowButtons(spec, here, base)}</div></div>`;
    });
  }

  function total(spec, at) {
    const money = (r) => Number(String(r[spec.of]).replace(/[$,]/g, "")) * Number(spec.times ? r[spec.times] : 1);
    const sum = at.store.select(spec.total, spec.where, null, at.record).reduce((all_, r) => all_ + money(r), 0);
    const part = (label, amount, look = "") => `<div class="sum ${look}"><span>${label}</span><span>$${amount.toFixed(2)}</span></div>`;
    const off = at.store.values[spec.discount] ? sum * 0.1 : 0;
    return `<div class="card sums">${part("Subtotal", sum)}${off ? part("Discount", -off) : ""}${part("Shipping", sum ? 4.9 : 0)}${part("Total", sum ? sum - off + 4.9 : 0, "strong")}${buttons(spec.buttons, at)}</div>`;
  }

  const blocks = {
    table, list, rows, cards, board, files, form, tools, tabs, stats, chart, thread, calendar, notebook, total,
    heading(spec, at) {
      const media = spec.avatar ? avatar(at.store.fill(spec.avatar, at.record), "large") : spec.picture ? picture(fill(spec.heading, at), at.store.fill(spec.picture, at.record)) : "";
      const mark = spec.badge ? badge(at.store.fill(spec.badge, at.record)) : "";
      return `<div class="heading ${spec.style || ""}">${media}<div><h4>${fill(spec.heading, at)} ${mark}</h4>${spec.text ? `<p class="muted">${fill(spec.text, at)}</p>` : ""}</div><div class="heading-tools">${buttons(spec.buttons, at)}</div></div>`;
    },
    buttons: (spec, at) => `<div class="buttons ${spec.style || ""}">${buttons(spec.buttons, at)}</div>`,
    text: (spec, at) => `<p class="words ${spec.style || ""}">${fill(spec.text, at)}</p>`,
    facts: (spec, at) => `${header(spec, at)}<dl class="facts">${spec.facts.map(([name, value]) => `<dt>${escape(name)}</dt><dd>${Parts.tone(at.store.fill(value, at.record)) !== "secondary" ? badge(at.store.fill(value, at.record)) : fill(value, at)}</dd>`).join("")}</dl>`,
    banner: (spec, at) => `<div class="alert alert-${spec.style || "info"}">${icon(spec.icon || "info-circle")} ${fill(spec.banner, at)}</div>`,
    art: (spec, at) => `<div class="art">${picture(fill(spec.name, at), at.store.fill(spec.art, at.record))}</div>`,
    steps: (spec) => `<div class="steps">${spec.steps.map((s, i) => `<span class="step ${i < spec.at ? "past" : i === spec.at ? "now" : ""}"><i>${i < spec.at ? icon("check") : i + 1}</i>${escape(s)}</span>`).join("")}</div>`,
    card: (spec, at) => `<div class="card pad">${header(spec, at)}${all(spec.card, at)}</div>`,
    /* Panes beside each other; each scrolls by itself when the screen is `full`. */
    split: (spec, at) => `<div class="split">${spec.split.map((p) => `<div class="pane ${p.style || ""}" style="flex:${p.width || 1} 1 0">${all(p.body, at)}</div>`).join("")}</div>`,
    /* Blocks about the record chosen under a name, or `else` while there is none. */
    of(spec, at) {
      const record = at.store.values[spec.of];
      if (!record) return all(spec.else || [{ nothing: "Nothing selected" }], at);
      return `<div class="about" data-key="about-${record.key}">${all(spec.body, { ...at, record })}</div>`;
    },
    nothing: (spec) => `<div class="nothing">${icon(spec.icon || "inbox")}<p>${escape(spec.nothing)}</p></div>`,
  };

  function draw(spec, at) {
    const kind = Object.keys(blocks).find((name) => name in spec);
    return blocks[kind](spec, at);
  }

  const all = (body, at) => body.filter((b) => shown(b, at)).map((b) => draw(b, at)).join("");

  return { all, kinds: Object.keys(blocks) };
})();
