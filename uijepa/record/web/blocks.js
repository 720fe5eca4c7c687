"use strict";
/* Blocks of a screen → HTML. Lists, forms, buttons and bars are the kit's (`Kit`), all else is drawn here. */
const Blocks = (() => {
  const { escape, hue, icon, avatar, art, register, shown, light } = Markup;
  const RATIOS = { square: 1, tall: 0.8, banner: 2.4, full: 0.62, round: 1, chart: 2 };
  const MONTHS = "January February March April May June July August September October November December".split(" ");

  function contains(text, part) {
    return String(text).toLowerCase().includes(String(part || "").toLowerCase());
  }

  function found(block, kind, context, record) {
    const all = context.store.select(block[kind], block.where, block.sort, record);
    if (!block.search) return all;
    return all.filter((item) => contains(item[block.search[1]], context.store.draft[block.search[0]]));
  }

  const header = (block, context, record) => (block.header ? Kit.header(escape(context.store.fill(block.header, record))) : "");

  const blocks = {
    list(block, context, record) {
      const lines = found(block, "list", context, record).map((item) => Kit.row(block.item, context, item, `${block.list}:${item.key}`)).join("");
      if (!lines) return block.empty ? `<div class="empty">${escape(block.empty)}</div>` : "";
      return header(block, context, record) + Kit.frame(lines, context, block.large ? "large-rows" : "");
    },
    rows(block, context, record) {
      const lines = block.rows.filter((r) => shown(r, context, record)).map((r) => Kit.row(r, context, record, r.id)).join("");
      return header(block, context, record) + Kit.frame(lines, context, "");
    },
    fields(block, context, record) {
      const fields = block.fields.map((f) => ({
        ...f,
        value: escape(context.store.draft[f.id] ?? ""),
        attributes: `placeholder="${escape(f.placeholder || "")}" data-id="${f.id}" data-field="${f.id}" autocomplete="off" spellcheck="false"`,
      }));
      return header(block, context, record) + Kit.fields(fields, context, block.style || "");
    },
    wheel(block) {
      return `<div class="wheel" data-keep data-wheel="${block.wheel}" data-kind="${block.kind}"></div>`;
    },
    note(block, context, record) {
      return `<div class="block note ${block.style || ""}">${escape(context.store.fill(block.note, record))}</div>`;
    },
    hero(block, context, record) {
      const { store, theme } = context;
      let mark = icon(block.icon, theme, "hero-icon");
      if (block.avatar) mark = avatar(store.fill(block.avatar, record));
      if (block.art) mark = `<div class="hero-art">${art(block.art, context, record, 1)}</div>`;
      const line = block.subtitle ? `<p>${escape(store.fill(block.subtitle, record))}</p>` : "";
      return `<div class="hero ${block.style || ""}">${mark}<h1>${escape(store.fill(block.hero, record))}</h1>${line}</div>`;
    },
    picture(block, context, record) {
      const { store } = context;
      const style = block.style || "wide";
      const seed = store.fill(block.seed || "", record);
      const tap = block.do ? register(context, block.id, { do: block.do, record }) : "";
      const more = { route: block.route, pins: block.pins };
      const drawn = `<div data-keep="${escape(`${block.picture} ${seed} ${context.dark}`)}">${art([block.picture, block.seed || ""], context, record, RATIOS[style] || 1.6, more)}</div>`;
      const words = ["title", "subtitle"].map((name) => (block[name] ? `<span class="picture-${name}">${escape(store.fill(block[name], record))}</span>` : "")).join("");
      return `<div class="picture ${style}" ${tap}>${drawn}${words ? `<div class="caption">${words}</div>` : ""}</div>`;
    },
    actions(block, context, record) {
      const cells = block.actions.filter((a) => shown(a, context, record)).map((a) => `<a class="action ${a.danger ? "danger" : ""} ${a.style || ""}" ${register(context, a.id, { do: a.do, record })}><span>${light(a, context, record)}</span>${escape(a.text || "")}</a>`);
      return `<div class="action-row ${block.style || ""}">${cells.join("")}</div>`;
    },
    button(block, context, record) {
      return Kit.button(block, escape(context.store.fill(block.button, record)), register(context, block.id, { do: block.do, record }));
    },
    segments(block, context, record) {
      const name = block.segments;
      const current = String(context.store.lookup(name, record));
      const options = block.options.map((text) => ({ text: escape(text), on: text === current, act: register(context, `${name}:${text}`, { choose: name, value: text, do: block.do, record }) }));
      return Kit.segments(options, block.style || "");
    },
    stars(block, context, record) {
      const held = Number(context.store.lookup(block.stars, record)) || 0;
      const cells = [1, 2, 3, 4, 5].map((i) => `<a class="star ${i <= held ? "full" : ""}" ${register(context, `${block.stars}:${i}`, { choose: block.stars, value: String(i), do: block.do, record })}>${icon(i <= held ? ["star_fill", "star"] : ["star", "star_outline"], context.theme)}</a>`);
      return `<div class="stars">${cells.join("")}</div>`;
    },
    stats(block, context, record) {
      const cells = block.stats.map(([title, value]) => `<div><b>${escape(context.store.fill(value, record))}</b><span>${escape(title)}</span></div>`);
      return `${header(block, context, record)}<div class="stats">${cells.join("")}</div>`;
    },
    progress(block, context, record) {
      const share = Math.round(100 * Number(context.store.fill(block.progress, record)));
      const ends = ["left", "right"].map((end) => `<span>${escape(context.store.fill(block[end] || "", record))}</span>`).join("");
      return `<div class="progressing"><div class="track"><div style="width:${share}%"></div></div><div class="ends">${ends}</div></div>`;
    },
    ticker(block, context, record) {
      const past = Math.floor((Date.now() - record.started) / 1000);
      const left = Math.max(0, block.ticker === "down" ? 60 * Number(record.minutes) - past : past);
      const text = `${String(Math.floor(left / 60)).padStart(2, "0")}:${String(left % 60).padStart(2, "0")}`;
      return `<div class="hero ${block.style || "clock"}"><h1>${text}</h1><p>${escape(block.subtitle || "")}</p></div>`;
    },
    thread(block, context, record) {
      return Kit.thread(found(block, "thread", context, record).map((m) => ({ key: `m${m.key}`, mine: m.mine, from: m.from && !m.mine ? escape(m.from) : "", text: escape(m.text) })));
    },
    keypad(block, context) {
      const letters = ["", "ABC", "DEF", "GHI", "JKL", "MNO", "PQRS", "TUV", "WXYZ", "", "+", ""];
      const keys = [..."123456789*0#"].map((k, i) => `<a class="dial-key" ${register(context, `dial:${k}`, { dial: k, field: block.keypad })}><b>${k}</b><small>${letters[i]}</small></a>`);
      return `<div class="dial-number">${escape(context.store.draft[block.keypad] || "")}</div><div class="dial">${keys.join("")}</div>`;
    },
    tiles(block, context, record) {
      const cells = block.tiles.map((t) => `<a class="tile ${context.store.lookup(block.value) === t ? "chosen" : ""}" ${register(context, `tile:${t}`, { do: block.do, record: { ...record, tile: t } })}><div class="wallpaper-${t}"></div></a>`);
      return `<div class="tiles">${cells.join("")}</div>`;
    },
    /* Days of the month in `block.month`, a date such as 'March 4'; the year has no February 29. */
    month(block, context, record) {
      const { store, theme } = context;
      const [name, day] = String(store.lookup(block.month, record)).split(" ");
      const m = Math.max(0, MONTHS.indexOf(name));
      const [first, length] = [new Date(2025, m, 1).getDay(), new Date(2025, m + 1, 0).getDate()];
      const turn = (id, by, glyph) => `<a ${register(context, id, { choose: block.month, value: `${MONTHS[(m + by + 12) % 12]} 1`, record })}>${icon(glyph, theme)}</a>`;
      const names = ["S", "M", "T", "W", "T", "F", "S"].map((d) => `<i>${d}</i>`).join("");
      const days = Array.from({ length }, (_, i) => `<a class="${String(i + 1) === day ? "chosen" : ""}" ${register(context, `day:${i + 1}`, { choose: block.month, value: `${MONTHS[m]} ${i + 1}`, do: block.do, record })}>${i + 1}</a>`);
      return `<div class="month"><div class="month-head"><b>${MONTHS[m]}</b>${turn("month:previous", -1, ["chevron_left", "chevron_left"])}${turn("month:next", 1, ["chevron_right", "chevron_right"])}</div><div class="month-days">${names}${"<i></i>".repeat(first)}${days.join("")}</div></div>`;
    },
    cards(block, context, record) {
      const { item, style = "" } = block;
      const ratio = block.columns === 1 ? 2 : block.columns === 3 || style === "shelf" ? 1 : 1.3;
      const cells = found(block, "cards", context, record).map((one) => {
        const id = `${block.cards}:${one.key}`;
        const text = (name) => (item[name] === undefined ? "" : escape(context.store.fill(item[name], one)));
        const face = item.art ? art(item.art, context, one, ratio) : `<div class="good-icon" style="--hue:${hue(text("title"))}">${icon(item.icon, context.theme)}</div>`;
        const mark = item.on && Markup.truth(item.on, context, one) ? `<em class="badge-on">${icon(["heart_fill", "favorite"], context.theme)}</em>` : "";
        const tap = item.do ? register(context, id, { do: item.do, record: one }) : "";
        const part = (name, tag) => (item[name] === undefined ? "" : `<${tag}>${text(name)}</${tag}>`);
        return `<a class="good" ${tap} data-key="${id}"><div class="good-picture">${face}${mark}</div>${part("title", "b")}${part("subtitle", "span")}</a>`;
      });
      if (!cells.length) return block.empty ? `<div class="empty">${escape(block.empty)}</div>` : "";
      return `${header(block, context, record)}<div class="goods cols-${block.columns || 2} ${style}">${cells.join("")}</div>`;
    },
  };

  function body(screen, context, record) {
    const drawn = screen.body.filter((b) => shown(b, context, record)).map((b) => {
      const kind = Object.keys(blocks).find((name) => name in b);
      return blocks[kind](b, context, record);
    });
    return drawn.join("");
  }

  /* How many months from that of a date to another, the shorter way round the year. */
  function monthsTo(date, month) {
    const away = MONTHS.indexOf(month) - Math.max(0, MONTHS.indexOf(String(date).split(" ")[0]));
    return ((away + 18) % 12) - 6;
  }

  return { body, monthsTo };
})();
