"use strict";
/* The markup of lists, forms, bars and pages in Ionic's elements: the same screens in a look of another house. */
const Kit = (() => {
  const { escape, icon, register, shown, media, after, light } = Markup;
  const parts = { left: ".bar-start", right: ".bar-end", title: ".bar-title", large: ".bar-large", fab: ".fabs" };

  const toggle = (on, attributes) => `<ion-toggle checked="${Boolean(on)}" aria-label="switch" ${attributes}></ion-toggle>`;

  function row(spec, context, record, base) {
    const text = (name) => (spec[name] === undefined ? "" : escape(context.store.fill(spec[name], record)));
    const front = media(spec, context, record, base);
    const struck = spec.check && context.store.lookup(spec.check, record) ? "struck" : "";
    const lines = ["subtitle", "text"].map((n) => (text(n) ? `<p>${text(n)}</p>` : "")).join("");
    const tap = spec.do ? register(context, base, { do: spec.do, record }) : `data-id="${escape(base)}"`;
    const look = spec.do ? `button detail="${!spec.plain}"` : "";
    const swipe = (spec.swipe || []).map((s) => `<ion-item-option color="${s.danger ? "danger" : "primary"}" ${register(context, `${base}/${s.id}`, { do: s.do, record })}>${escape(s.text)}</ion-item-option>`);
    const end = after(spec, context, record, base, toggle);
    const item = `<ion-item ${look} class="${spec.tint ? `tint-${spec.tint}` : ""}" ${tap}>${front ? `<div slot="start" class="start">${front}</div>` : ""}<ion-label class="${struck}"><h2>${text("title")}</h2>${lines}</ion-label><div slot="end" class="end">${end}</div></ion-item>`;
    if (!swipe.length) return item.replace("<ion-item ", `<ion-item data-key="${escape(base)}" `);
    return `<ion-item-sliding data-key="${escape(base)}">${item}<ion-item-options side="end">${swipe.join("")}</ion-item-options></ion-item-sliding>`;
  }

  const frame = (lines, context, extra) => `<ion-list ${context.theme === "ios" ? 'inset="true"' : ""} class="${extra}">${lines}</ion-list>`;
  const header = (text) => `<ion-list-header><ion-label>${text}</ion-label></ion-list-header>`;

  function fields(all, context, style) {
    const lines = all.map((f) => {
      const input = f.kind === "long" ? `<textarea rows="4" ${f.attributes}>${f.value}</textarea>` : `<input type="text" data-kind="${f.kind || "text"}" ${f.attributes} value="${f.value}"/>`;
      const glass = style === "search" ? icon(["search", "search"], context.theme) : "";
      return `<li class="field ${style}">${f.label ? `<span>${escape(f.label)}</span>` : glass}${input}</li>`;
    });
    return `<ul class="field-list">${lines.join("")}</ul>`;
  }

  function button(block, text, act) {
    const fill = block.fill ? "solid" : block.danger ? "clear" : "outline";
    return `<div class="block"><ion-button expand="block" fill="${fill}" color="${block.danger ? "danger" : "primary"}" ${act}>${text}</ion-button></div>`;
  }

  function segments(options, style) {
    if (style === "chips") return `<div class="chips">${options.map((o) => `<ion-chip class="${o.on ? "chosen" : ""}" ${o.act}>${o.text}</ion-chip>`).join("")}</div>`;
    const chosen = options.find((o) => o.on);
    return `<div class="block"><ion-segment value="${chosen ? chosen.text : ""}">${options.map((o) => `<ion-segment-button value="${o.text}" ${o.act}><ion-label>${o.text}</ion-label></ion-segment-button>`).join("")}</ion-segment></div>`;
  }

  function thread(messages) {
    return `<div class="talk">${messages.map((m) => `<div class="message ${m.mine ? "mine" : ""}" data-key="${m.key}">${m.from ? `<small>${m.from}</small>` : ""}${m.text}</div>`).join("")}</div>`;
  }

  function barItem(item, context, record) {
    return `<ion-button ${item.strong ? "strong" : ""} ${register(context, item.id, { do: item.do, record })}>${item.icon ? light(item, context, record) : escape(item.text)}</ion-button>`;
  }

  function bar(screen, context, record, depth) {
    const { theme, store } = context;
    const items = (screen.right || []).filter((i) => shown(i, context, record));
    const floating = items.filter((i) => i.fab);
    const right = items.filter((i) => !i.fab).map((i) => barItem(i, context, record)).join("");
    let left = (screen.left || []).map((i) => barItem(i, context, record)).join("");
    if (!left && screen.as) left = barItem({ id: "cancel", text: "Close", do: { back: 1 } }, context, record);
    else if (!left && depth > 0) left = `<ion-button ${register(context, "back", { do: { back: 1 } })}>${icon(["arrow_left", "west"], theme)}</ion-button>`;
    const title = escape(store.fill(screen.title || "", record));
    const fab = floating.map((i) => `<ion-fab-button ${register(context, i.id, { do: i.do, record })}>${icon(i.icon, theme)}</ion-fab-button>`).join("");
    return { left, right, title, large: title, fab };
  }

  function tabbar(def, context, current) {
    return def.tabs.map((name) => {
      const { text, icon: glyph } = def.screens[name].tab;
      return `<ion-tab-button tab="${name}" class="${name === current ? "chosen" : ""}" ${register(context, `tab:${name}`, { tab: name })}>${icon(glyph, context.theme)}<ion-label>${escape(text)}</ion-label></ion-tab-button>`;
    }).join("");
  }

  function composer(screen, context, record) {
    const { field, placeholder, id } = screen.composer;
    const act = register(context, id, { do: screen.composer.do, record });
    return `<div class="messagebar"><textarea rows="1" data-keep data-id="${field}" data-field="${field}" placeholder="${escape(placeholder)}" spellcheck="false"></textarea><ion-button shape="round" ${act}>${icon(["paperplane_fill", "send"], context.theme)}</ion-button></div>`;
  }

  function page(def, name, context, record, depth) {
    const screen = def.screens[name];
    const top = bar(screen, context, record, depth);
    const bottom = screen.composer ? composer(screen, context, record) : depth === 0 && def.tabs ? `<ion-tab-bar class="tabbar">${tabbar(def, context, name)}</ion-tab-bar>` : "";
    const big = screen.large && context.theme === "ios" ? `<ion-toolbar><ion-title size="large" class="bar-large">${top.large}</ion-title></ion-toolbar>` : "";
    const head = screen.bare ? "" : `<ion-header><ion-toolbar><ion-buttons slot="start" class="bar-start">${top.left}</ion-buttons><ion-title class="bar-title">${big ? "" : top.title}</ion-title><ion-buttons slot="end" class="bar-end">${top.right}</ion-buttons></ion-toolbar>${big}</ion-header>`;
    const content = `<div class="page-content ${screen.composer ? "messages-content" : ""}">${Blocks.body(screen, context, record)}</div>`;
    return `<div class="page ${screen.bare ? "bare" : ""}" data-name="${name}" data-app="${def.app}">${head}${content}<div class="fabs">${top.fab}</div>${bottom}</div>`;
  }

  return { parts, row, frame, header, fields, button, segments, thread, bar, tabbar, page };
})();
