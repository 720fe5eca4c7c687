"use strict";
/* What stands around a screen: the window's own frame, the app's navigation, the sign-in page, dialogs, menus, toasts. */
const Shell = (() => {
  const { escape, icon, avatar, register, field, buttons } = Parts;

  const lights = `<span class="lights"><i></i><i></i><i></i></span>`;
  const winButtons = `<span class="win-buttons">${icon("dash-lg")}${icon("square")}${icon("x-lg")}</span>`;

  function address(world, name) {
    return `${world.look.host}/${name === world.def.start ? "" : name}`;
  }

  /* A browser's tabs and address bar, or the title bar of a desktop program. */
  function frame(world, name) {
    const { chrome } = world.look;
    const title = escape(`${world.def.screens[name].title || world.def.name}`).replace(/\{\w+\}/g, world.def.name);
    if (chrome === "none") return "";
    if (chrome.startsWith("browser")) {
      const others = world.look.tabNames.map((t) => `<span class="browser-tab">${icon("globe2")}${escape(t)}</span>`).join("");
      const mac = chrome === "browser-mac";
      return `<div class="browser ${chrome}"><div class="browser-tabs">${mac ? lights : ""}<span class="browser-tab current">${icon(world.def.icon, "tinted")}${title} - ${escape(world.look.brand)}${icon("x", "close")}</span>${others}${icon("plus-lg", "new-tab")}${mac ? "" : winButtons}</div><div class="browser-bar">${icon("arrow-left")}${icon("arrow-right", "faint")}${icon("arrow-clockwise")}<span class="address">${icon("lock")}${escape(address(world, name))}</span>${icon("star")}${icon("puzzle")}${icon("three-dots-vertical")}</div></div>`;
    }
    const menus = world.look.menus ? `<div class="menu-bar">${["File", "Edit", "View", "Window", "Help"].map((m) => `<span>${m}</span>`).join("")}</div>` : "";
    const left = chrome === "title-mac" ? lights : icon(world.def.icon, "tinted");
    return `<div class="title-bar ${chrome}">${left}<span class="title-text">${title === world.def.name ? title : `${title} - ${escape(world.def.name)}`}</span>${chrome === "title-mac" ? "" : winButtons}</div>${menus}`;
  }

  function links(world, at, current) {
    return (world.def.nav || []).map((n) => {
      const count = n.count ? at.store.select(n.count[0], n.count[1]).length : 0;
      const mark = count ? `<span class="nav-count">${count}</span>` : "";
      return `<a class="nav-item ${n.screen === current ? "current" : ""}" ${register(at, `nav:${n.screen}`, { nav: n.screen })}>${icon(n.icon)}<span>${escape(n.text)}</span>${mark}</a>`;
    }).join("");
  }

  const brand = (world) => `<div class="brand"><span class="brand-mark">${icon(world.def.icon)}</span><b>${escape(world.look.brand)}</b></div>`;

  function person(world, at) {
    return `<span class="me" ${register(at, "me", { menu: [{ id: "profile", text: "Your profile", icon: "person" }, { id: "sign-out", text: "Sign out", icon: "box-arrow-right", do: { signOut: true } }], anchored: true })}>${avatar(world.look.user, "small")}<span class="me-name">${escape(world.look.user)}</span></span>`;
  }

  function head(world, at, screen, record, depth) {
    const title = escape(at.store.fill(screen.title || "", record));
    const back = depth ? `<button type="button" tabindex="-1" class="btn btn-plain btn-icon" ${register(at, "back", { do: { back: 1 } })}>${icon("arrow-left")}</button>` : "";
    const sub = screen.subtitle ? `<div class="muted">${escape(at.store.fill(screen.subtitle, record))}</div>` : "";
    return `<div class="page-head">${back}<div class="page-title"><h3>${title}</h3>${sub}</div><div class="page-tools">${buttons(screen.bar, at)}</div></div>`;
  }

  /* The uppermost page with the app around it. `top` is its frame, `at` where it is drawn. */
  function app(world, top, at, depth, base) {
    const screen = world.def.screens[top.name];
    const { look, def } = world;
    const nav = def.nav ? links(world, at, base) : "";
    const page = `<main class="page ${screen.full ? "full" : ""} ${screen.style || ""}" data-key="page-${top.n}"><div class="page-inner">${screen.bare ? "" : head(world, at, screen, top.record, depth)}${Blocks.all(screen.body, at)}</div></main>`;
    if (!def.nav) return `<div class="shell plain">${page}</div>`;
    if (look.shell === "top") return `<div class="shell top"><header class="top-bar ${look.bar}">${brand(world)}<nav>${nav}</nav>${person(world, at)}</header>${page}</div>`;
    const foot = look.shell === "side" ? `<div class="side-foot">${person(world, at)}</div>` : "";
    return `<div class="shell ${look.shell}"><aside class="sidebar ${look.bar}">${brand(world)}<nav>${nav}</nav>${foot}</aside>${page}</div>`;
  }

  function signIn(world, at) {
    const { look, def } = world;
    const fields = [
      { id: "user", label: look.login.label, placeholder: look.login.hint },
      { id: "secret", label: "Password", kind: "password", placeholder: "Password" },
    ].map((f) => field(f, at)).join("");
    const go = `<button type="button" tabindex="-1" class="btn btn-primary w-100" ${register(at, "sign-in", { signIn: true })}>${escape(look.login.button)}</button>`;
    const card = `<div class="sign-card card">${brand(world)}<h4>${escape(look.login.title)}</h4>${fields}<div class="sign-row">${field({ id: "remember", kind: "check", label: "Remember me" }, at)}<span class="linked">Forgot password?</span></div>${go}</div>`;
    const side = look.login.style === "split" ? `<div class="sign-art"><h2>${escape(look.brand)}</h2>${icon(def.icon)}</div>` : "";
    return `<div class="sign ${look.login.style}" data-key="sign-in">${side}${card}</div>`;
  }

  function dialog(world, frame_, at) {
    const screen = world.def.screens[frame_.name];
    const title = escape(at.store.fill(screen.title || "", frame_.record));
    const close = `<button type="button" tabindex="-1" class="btn btn-plain btn-icon" ${register(at, "close", { do: { back: 1 } })}>${icon("x-lg")}</button>`;
    const foot = screen.bar ? `<div class="dialog-foot">${buttons(screen.bar, at)}</div>` : "";
    return `<div class="veil ${screen.as}" data-key="dialog-${frame_.n}"><div class="panel ${screen.style || ""}"><div class="dialog-head"><h5>${title}</h5>${close}</div><div class="dialog-body">${Blocks.all(screen.body, at)}</div>${foot}</div></div>`;
  }

  function question(asked, at) {
    const { spec } = asked;
    const text = spec.text ? `<p class="muted">${escape(at.store.fill(spec.text, asked.record))}</p>` : "";
    const input = spec.field ? field({ ...spec.field }, at) : "";
    const no = Parts.button({ id: "cancel", text: spec.cancel || "Cancel", do: [] }, at);
    const yes = `<button type="button" tabindex="-1" class="btn ${spec.danger ? "btn-danger" : "btn-primary"}" ${register(at, "ok", { do: spec.do, record: asked.record })}>${escape(spec.ok)}</button>`;
    return `<div class="veil dialog" data-key="question-${asked.n}"><div class="panel small"><div class="dialog-body"><h5>${escape(at.store.fill(spec.title, asked.record))}</h5>${text}${input}</div><div class="dialog-foot">${no}${yes}</div></div></div>`;
  }

  function menu(open, at) {
    const items = open.items.map((item) => `<a class="dropdown-item ${item.danger ? "text-danger" : ""} ${item.chosen ? "active" : ""}" ${register(at, item.id, { do: item.do, record: open.record })}>${icon(item.icon)}<span>${escape(item.text)}</span>${item.keys ? `<kbd>${escape(item.keys)}</kbd>` : ""}</a>`);
    return `<div class="dropdown-menu show desk-menu" data-key="menu-${open.n}" style="left:${open.x}px;top:${open.y}px;min-width:${open.width}px">${items.join("")}</div>`;
  }

  const toast = (one) => `<div class="toast-note" data-key="toast-${one.n}">${icon(one.icon || "check-circle-fill")}<span>${escape(one.text)}</span></div>`;

  function cookies(at) {
    const yes = `<button type="button" tabindex="-1" class="btn btn-primary" ${register(at, "cookies:all", { do: { cookies: false } })}>Accept all</button>`;
    const no = `<button type="button" tabindex="-1" class="btn btn-light" ${register(at, "cookies:few", { do: { cookies: false } })}>Only necessary</button>`;
    return `<div class="cookies card" data-key="cookies"><div><b>We value your privacy</b><p class="muted">We use cookies to improve your experience and to see how this site is used.</p></div><div class="cookies-tools">${no}${yes}</div></div>`;
  }

  return { frame, app, signIn, dialog, question, menu, toast, cookies };
})();
