"use strict";
/* App definitions and state → HTML in Framework7's markup. Touches no DOM. What a tap does is collected in
   `context.acts`: the id of an element → {do, record, …}. */
const Render = (() => {
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

  function register(context, id, act) {
    context.acts[id] = act;
    return `data-id="${escape(id)}"`;
  }

  function shown(spec, context, record) {
    const store = context.store;
    if (spec.when && !store.lookup(spec.when, record)) return false;
    return !(spec.unless && store.lookup(spec.unless, record));
  }

  function toggle(on, attributes) {
    const checked = on ? "checked" : "";
    return `<label class="toggle" ${attributes}><input type="checkbox" tabindex="-1" ${checked}/><span class="toggle-icon"></span></label>`;
  }

  /* One line of a list. `base` is its id; parts are `base/part`. */
  function row(spec, context, record, base) {
    const { store, theme } = context;
    const text = (name) => (spec[name] === undefined ? "" : escape(store.fill(spec[name], record)));
    let media = spec.icon ? `<div class="row-icon" style="background:${spec.color || "var(--f7-theme-color)"}">${icon(spec.icon, theme)}</div>` : "";
    if (spec.avatar) media = avatar(store.fill(spec.avatar, record));
    if (spec.check) {
      const on = store.lookup(spec.check, record);
      const act = register(context, `${base}/check`, { flip: spec.check, record, do: spec.checked });
      media = `<span class="check ${on ? "checked" : ""}" ${act}>${on ? icon(["checkmark_alt", "check"], theme) : ""}</span>`;
    }
    if (media) media = `<div class="item-media">${media}</div>`;
    let after = text("after");
    if (spec.toggle) {
      const act = register(context, `${base}/toggle`, { flip: spec.toggle, record, do: spec.toggled });
      after = toggle(store.lookup(spec.toggle, record), act);
    } else if (spec.select) {
      after = store.lookup(spec.select[0], null) === store.fill(spec.select[1], record) ? icon(["checkmark_alt", "check"], theme, "selected") : "";
    }
    for (const button of spec.buttons || []) {
      after += `<span class="row-button" ${register(context, `${base}/${button.id}`, { do: button.do, record })}>${icon(button.icon, theme)}</span>`;
    }
    const struck = spec.check && store.lookup(spec.check, record) ? "struck" : "";
    const title = `<div class="item-title ${struck} ${spec.style ? `title-${spec.style}` : ""}">${text("title")}</div>`;
    const lines = ["subtitle", "text"].map((n) => (text(n) ? `<div class="item-${n}">${text(n)}</div>` : "")).join("");
    const inner = `<div class="item-inner"><div class="item-title-row">${title}<div class="item-after">${after}</div></div>${lines}</div>`;
    const tap = spec.do ? register(context, base, { do: spec.do, record }) : `data-id="${escape(base)}"`;
    const [tag, link] = spec.do && !spec.plain ? ["a", "item-link"] : ["div", ""];
    const swipe = (spec.swipe || []).map((s) => `<a class="${s.danger ? "color-red" : "color-blue"}" ${register(context, `${base}/${s.id}`, { do: s.do, record })}>${escape(s.text)}</a>`);
    const content = `<${tag} class="${link} item-content ${swipe.length ? "swipeout-content" : ""} ${spec.tint ? `tint-${spec.tint}` : ""}" ${tap}>${media}${inner}</${tag}>`;
    const actions = swipe.length ? `<div class="swipeout-actions-right">${swipe.join("")}</div>` : "";
    return `<li class="${swipe.length ? "swipeout" : ""} ${lines ? "" : "single"}" data-key="${escape(base)}">${content}${actions}</li>`;
  }

  function contains(text, part) {
    return String(text).toLowerCase().includes(String(part || "").toLowerCase());
  }

  function frame(lines, context, extra = "") {
    const inset = context.theme === "ios" ? "inset list-strong dividers-ios" : "";
    return `<div class="list media-list ${inset} ${extra}"><ul>${lines}</ul></div>`;
  }

  function header(block, context, record) {
    return block.header ? `<div class="block-title">${escape(context.store.fill(block.header, record))}</div>` : "";
  }

  const blocks = {
    list(block, context, record) {
      const all = context.store.select(block.list, block.where, block.sort, record);
      const found = block.search ? all.filter((item) => contains(item[block.search[1]], context.store.draft[block.search[0]])) : all;
      const lines = found.map((item) => row(block.item, context, item, `${block.list}:${item.key}`)).join("");
      if (!lines) return block.empty ? `<div class="empty">${escape(block.empty)}</div>` : "";
      return header(block, context, record) + frame(lines, context, block.large ? "large-rows" : "");
    },
    rows(block, context, record) {
      const lines = block.rows.filter((r) => shown(r, context, record)).map((r) => row(r, context, record, r.id)).join("");
      return header(block, context, record) + frame(lines, context);
    },
    fields(block, context, record) {
      const lines = block.fields.map((f) => {
        const value = escape(context.store.draft[f.id] ?? "");
        const label = f.label ? `<div class="item-title item-label">${escape(f.label)}</div>` : "";
        const place = `placeholder="${escape(f.placeholder || "")}" data-id="${f.id}" data-field="${f.id}" autocomplete="off" spellcheck="false"`;
        const input = f.kind === "long" ? `<textarea ${place}>${value}</textarea>` : `<input type="text" data-kind="${f.kind || "text"}" ${place} value="${value}"/>`;
        return `<li class="item-content item-input"><div class="item-inner">${label}<div class="item-input-wrap">${input}</div></div></li>`;
      });
      const look = context.theme === "ios" ? "inset list-strong" : "list-strong";
      return `${header(block, context, record)}<div class="list ${look}"><ul>${lines.join("")}</ul></div>`;
    },
    wheel(block) {
      return `<div class="wheel" data-keep data-wheel="${block.wheel}" data-kind="${block.kind}"></div>`;
    },
    note(block, context, record) {
      return `<div class="block note">${escape(context.store.fill(block.note, record))}</div>`;
    },
    hero(block, context, record) {
      const { store, theme } = context;
      const mark = block.avatar ? avatar(store.fill(block.avatar, record)) : icon(block.icon, theme, "hero-icon");
      const line = block.subtitle ? `<p>${escape(store.fill(block.subtitle, record))}</p>` : "";
      return `<div class="hero ${block.style || ""}">${mark}<h1>${escape(store.fill(block.hero, record))}</h1>${line}</div>`;
    },
    actions(block, context, record) {
      const cells = block.actions.map((a) => `<a class="action ${a.danger ? "danger" : ""}" ${register(context, a.id, { do: a.do, record })}><span>${icon(a.icon, context.theme)}</span>${escape(a.text || "")}</a>`);
      return `<div class="action-row ${block.style || ""}">${cells.join("")}</div>`;
    },
    button(block, context, record) {
      const look = block.danger ? "color-red" : "";
      const fill = block.fill ? "button-fill button-round" : block.danger ? "" : "button-tonal button-round";
      return `<div class="block"><a class="button button-large ${fill} ${look}" ${register(context, block.id, { do: block.do, record })}>${escape(context.store.fill(block.button, record))}</a></div>`;
    },
    ticker(block, context, record) {
      const past = Math.floor((Date.now() - record.started) / 1000);
      const left = Math.max(0, block.ticker === "down" ? 60 * Number(record.minutes) - past : past);
      const text = `${String(Math.floor(left / 60)).padStart(2, "0")}:${String(left % 60).padStart(2, "0")}`;
      return `<div class="hero ${block.style || "clock"}"><h1>${text}</h1><p>${escape(block.subtitle || "")}</p></div>`;
    },
    thread(block, context, record) {
      const found = context.store.select(block.thread, block.where, block.sort, record);
      const bubbles = found.map((m) => {
        const side = m.mine ? "sent" : "received";
        return `<div class="message message-${side} message-first message-last message-tail" data-key="m${m.key}"><div class="message-content"><div class="message-bubble"><div class="message-text">${escape(m.text)}</div></div></div></div>`;
      });
      return `<div class="messages">${bubbles.join("")}</div>`;
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
    cards(block, context, record) {
      const found = context.store.select(block.cards, block.where, block.sort, record);
      const cells = found.map((item) => {
        const id = `${block.cards}:${item.key}`;
        const name = context.store.fill(block.item.title, item);
        return `<a class="good" ${register(context, id, { do: block.item.do, record: item })} data-key="${id}"><div class="good-picture" style="--hue:${hue(name)}">${icon(block.item.icon, context.theme)}</div><b>${escape(name)}</b><span>${escape(context.store.fill(block.item.subtitle, item))}</span></a>`;
      });
      return `${header(block, context, record)}<div class="goods">${cells.join("")}</div>`;
    },
  };

  function block(spec, context, record) {
    const kind = Object.keys(blocks).find((name) => name in spec);
    return blocks[kind](spec, context, record);
  }

  function body(screen, context, record) {
    return screen.body.filter((b) => shown(b, context, record)).map((b) => block(b, context, record)).join("");
  }

  function barItem(item, context, record) {
    const act = register(context, item.id, { do: item.do, record });
    const look = item.icon ? "icon-only" : "";
    const strong = item.strong ? "strong" : "";
    return `<a class="link ${look} ${strong}" ${act}>${item.icon ? icon(item.icon, context.theme) : escape(item.text)}</a>`;
  }

  /* The bar's three parts and the floating button, redrawn as one. */
  function bar(screen, context, record, depth) {
    const { theme, store } = context;
    const items = (screen.right || []).filter((i) => shown(i, context, record));
    const floating = theme === "md" ? items.filter((i) => i.fab) : [];
    const right = items.filter((i) => !floating.includes(i)).map((i) => barItem(i, context, record)).join("");
    let left = (screen.left || []).map((i) => barItem(i, context, record)).join("");
    if (!left && depth > 0) {
      const arrow = theme === "ios" ? "chevron_left" : "arrow_back";
      left = `<a class="link icon-only" ${register(context, "back", { do: { back: true } })}>${icon([arrow, arrow], theme)}</a>`;
    }
    const title = escape(store.fill(screen.title || "", record));
    const fab = floating.map((i) => `<div class="fab fab-right-bottom"><a ${register(context, i.id, { do: i.do, record })}>${icon(i.icon, theme)}</a></div>`).join("");
    return { left, right, title, fab };
  }

  function tabbar(def, context, current) {
    const links = def.tabs.map((name) => {
      const tab = def.screens[name].tab;
      const on = name === current ? "tab-link-active" : "";
      return `<a class="tab-link ${on}" ${register(context, `tab:${name}`, { tab: name })}>${icon(tab.icon, context.theme)}<span class="tabbar-label">${escape(tab.text)}</span></a>`;
    });
    return `<div class="toolbar-inner">${links.join("")}</div>`;
  }

  function composer(screen, context, record) {
    const { field, placeholder, id } = screen.composer;
    const act = register(context, id, { do: screen.composer.do, record });
    const send = icon(["arrow_up_circle_fill", "send"], context.theme);
    return `<div class="toolbar messagebar toolbar-bottom"><div class="toolbar-inner"><div class="messagebar-area"><textarea class="resizable" data-keep data-id="${field}" data-field="${field}" placeholder="${escape(placeholder)}" spellcheck="false"></textarea></div><a class="link icon-only send-link" ${act}>${send}</a></div></div>`;
  }

  function page(def, name, context, record, depth) {
    const screen = def.screens[name];
    const top = bar(screen, context, record, depth);
    const large = screen.large ? "navbar-large" : "";
    const bottom = screen.composer ? composer(screen, context, record) : "";
    const tabs = depth === 0 && def.tabs ? `<div class="toolbar tabbar tabbar-icons toolbar-bottom">${tabbar(def, context, name)}</div>` : "";
    const bigTitle = screen.large ? `<div class="title-large"><div class="title-large-text">${top.title}</div></div>` : "";
    const navbar = screen.bare ? "" : `<div class="navbar ${large}"><div class="navbar-bg"></div><div class="navbar-inner"><div class="left">${top.left}</div><div class="title">${top.title}</div><div class="right">${top.right}</div>${bigTitle}</div></div>`;
    const classes = `${screen.bare ? "no-navbar bare" : ""} ${screen.large ? "page-with-navbar-large" : ""} ${tabs || bottom ? "" : "no-toolbar"}`;
    const content = `<div class="page-content ${bottom ? "messages-content" : ""}">${body(screen, context, record)}</div>`;
    return `<div class="page ${classes}" data-name="${name}" data-app="${def.app}">${navbar}${tabs}${bottom}<div class="fabs">${top.fab}</div>${content}</div>`;
  }

  return { page, body, bar, tabbar, icon, avatar, escape };
})();
