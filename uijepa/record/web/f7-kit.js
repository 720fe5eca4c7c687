"use strict";
/* Framework7's markup of lists, forms, bars and pages, for the looks of iOS and Android. */
const Kit = (() => {
  const { escape, icon, register, shown, media, after, light } = Markup;
  /* Where the parts of a bar stand in a page, for redrawing. */
  const parts = { left: ".navbar .left", right: ".navbar .right", title: ".navbar .title", large: ".title-large-text", fab: ".fabs" };

  function toggle(on, attributes) {
    return `<label class="toggle" ${attributes}><input type="checkbox" tabindex="-1" ${on ? "checked" : ""}/><span class="toggle-icon"></span></label>`;
  }

  /* One line of a list. `base` is its id; parts are `base/part`. */
  function row(spec, context, record, base) {
    const text = (name) => (spec[name] === undefined ? "" : escape(context.store.fill(spec[name], record)));
    let front = media(spec, context, record, base);
    if (front) front = `<div class="item-media">${front}</div>`;
    const struck = spec.check && context.store.lookup(spec.check, record) ? "struck" : "";
    const title = `<div class="item-title ${struck} ${spec.style ? `title-${spec.style}` : ""}">${text("title")}</div>`;
    const lines = ["subtitle", "text"].map((n) => (text(n) ? `<div class="item-${n}">${text(n)}</div>` : "")).join("");
    const inner = `<div class="item-inner"><div class="item-title-row">${title}<div class="item-after">${after(spec, context, record, base, toggle)}</div></div>${lines}</div>`;
    const tap = spec.do ? register(context, base, { do: spec.do, record }) : `data-id="${escape(base)}"`;
    const [tag, link] = spec.do && !spec.plain ? ["a", "item-link"] : ["div", ""];
    const swipe = (spec.swipe || []).map((s) => `<a class="${s.danger ? "color-red" : "color-blue"}" ${register(context, `${base}/${s.id}`, { do: s.do, record })}>${escape(s.text)}</a>`);
    const content = `<${tag} class="${link} item-content ${swipe.length ? "swipeout-content" : ""} ${spec.tint ? `tint-${spec.tint}` : ""}" ${tap}>${front}${inner}</${tag}>`;
    const actions = swipe.length ? `<div class="swipeout-actions-right">${swipe.join("")}</div>` : "";
    return `<li class="${swipe.length ? "swipeout" : ""} ${lines ? "" : "single"}" data-key="${escape(base)}">${content}${actions}</li>`;
  }

  function frame(lines, context, extra) {
    const inset = context.theme === "ios" ? "inset list-strong dividers-ios" : "";
    return `<div class="list media-list ${inset} ${extra}"><ul>${lines}</ul></div>`;
  }

  const header = (text) => `<div class="block-title">${text}</div>`;

  function fields(all, context, style) {
    const lines = all.map((f) => {
      const label = f.label ? `<div class="item-title item-label">${escape(f.label)}</div>` : "";
      const input = f.kind === "long" ? `<textarea ${f.attributes}>${f.value}</textarea>` : `<input type="text" data-kind="${f.kind || "text"}" ${f.attributes} value="${f.value}"/>`;
      const glass = style === "search" ? `<div class="item-media">${icon(["search", "search"], context.theme)}</div>` : "";
      return `<li class="item-content item-input">${glass}<div class="item-inner">${label}<div class="item-input-wrap">${input}</div></div></li>`;
    });
    const look = context.theme === "ios" ? "inset list-strong" : "list-strong";
    return `<div class="list ${look} ${style === "search" ? "search-list inset" : ""}"><ul>${lines.join("")}</ul></div>`;
  }

  function button(block, text, act) {
    const look = block.danger ? "color-red" : "";
    const fill = block.fill ? "button-fill button-round" : block.danger ? "" : "button-tonal button-round";
    return `<div class="block"><a class="button button-large ${fill} ${look}" ${act}>${text}</a></div>`;
  }

  function segments(options, style) {
    if (style === "chips") return `<div class="chips">${options.map((o) => `<a class="chip ${o.on ? "chosen" : ""}" ${o.act}><span class="chip-label">${o.text}</span></a>`).join("")}</div>`;
    return `<div class="block segments ${style}"><div class="segmented segmented-strong">${options.map((o) => `<a class="button ${o.on ? "button-active" : ""}" ${o.act}>${o.text}</a>`).join("")}<span class="segmented-highlight"></span></div></div>`;
  }

  function thread(messages) {
    const bubbles = messages.map((m) => {
      const side = m.mine ? "sent" : "received";
      const name = m.from ? `<div class="message-name">${m.from}</div>` : "";
      return `<div class="message message-${side} message-first message-last message-tail" data-key="${m.key}"><div class="message-content">${name}<div class="message-bubble"><div class="message-text">${m.text}</div></div></div></div>`;
    });
    return `<div class="messages">${bubbles.join("")}</div>`;
  }

  function barItem(item, context, record) {
    const act = register(context, item.id, { do: item.do, record });
    return `<a class="link ${item.icon ? "icon-only" : ""} ${item.strong ? "strong" : ""}" ${act}>${item.icon ? light(item, context, record) : escape(item.text)}</a>`;
  }

  /* The bar's parts and the floating button. Screens over others can always be left. */
  function bar(screen, context, record, depth) {
    const { theme, store } = context;
    const items = (screen.right || []).filter((i) => shown(i, context, record));
    const floating = theme === "md" ? items.filter((i) => i.fab) : [];
    const right = items.filter((i) => !floating.includes(i)).map((i) => barItem(i, context, record)).join("");
    let left = (screen.left || []).map((i) => barItem(i, context, record)).join("");
    if (!left && screen.as) left = barItem({ id: "cancel", text: "Cancel", do: { back: 1 } }, context, record);
    else if (!left && depth > 0) {
      const arrow = theme === "ios" ? "chevron_left" : "arrow_back";
      left = `<a class="link icon-only" ${register(context, "back", { do: { back: 1 } })}>${icon([arrow, arrow], theme)}</a>`;
    }
    const title = escape(store.fill(screen.title || "", record));
    const fab = floating.map((i) => `<div class="fab fab-right-bottom"><a ${register(context, i.id, { do: i.do, record })}>${icon(i.icon, theme)}</a></div>`).join("");
    return { left, right, title, large: title, fab };
  }

  function tabbar(def, context, current) {
    const links = def.tabs.map((name) => {
      const tab = def.screens[name].tab;
      const on = name === current ? "tab-link-active" : "";
      return `<a class="tab-link ${on}" ${register(context, `tab:${name}`, { tab: name })}>${icon(tab.icon, context.theme)}<span class="tabbar-label">${escape(tab.text)}</span></a>`;
    });
    return `<div class="toolbar-inner"><div class="toolbar-pane">${links.join("")}</div></div>`;
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
    const content = `<div class="page-content ${bottom ? "messages-content" : ""}">${Blocks.body(screen, context, record)}</div>`;
    return `<div class="page ${classes}" data-name="${name}" data-app="${def.app}">${navbar}${tabs}${bottom}<div class="fabs">${top.fab}</div>${content}</div>`;
  }

  return { parts, row, frame, header, fields, button, segments, thread, bar, tabbar, page };
})();
