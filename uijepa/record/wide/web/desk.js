"use strict";
/* One app in one window: its open screens, what clicks, keys and drops do, and what the actor may ask.

   A *frame* is one open screen: {n, name, record, acts, ui}. `pages` are stacked in the window, the uppermost is
   seen; `dialogs` (and drawers) lie above. All of it is drawn anew after each action and morphed into the document. */
const desk = (() => {
  let world = null;
  let store = null;
  let signedIn = true;
  let cookies = false;
  let serial = 0;
  let pages = [];
  let dialogs = [];
  let question = null;
  let menu = null;
  let toasts = [];
  // What lies around the screens is registered here, by the layer it is in.
  const around = { window: {}, menu: {}, question: {}, cookies: {} };

  const host = () => document.getElementById("desk");
  const top = () => dialogs.at(-1) || pages.at(-1);
  const frame = (name, record) => ({ n: ++serial, name, record: record || null, acts: {}, ui: {} });
  const place = (acts, record, ui) => ({ store, acts, record, ui: ui || {}, look: world.look });

  function draw() {
    for (const name of Object.keys(around)) around[name] = {};
    for (const f of [...pages, ...dialogs]) f.acts = {};
    const page = pages.at(-1);
    const layers = [];
    const layer = (name, html) => layers.push(`<div class="layer layer-${name.split(":")[0]}" data-layer="${name}" data-key="layer-${name}">${html}</div>`);
    const inside = signedIn
      ? Shell.app(world, page, place(page.acts, page.record, page.ui), pages.length - 1, pages[0].name)
      : Shell.signIn(world, place(around.window, null, world.gate));
    // The navigation belongs to the page's own acts: it is drawn with it.
    layer("window", `${Shell.frame(world, page.name)}${inside}`);
    for (const f of dialogs) layer(`dialog:${f.n}`, Shell.dialog(world, f, place(f.acts, f.record, f.ui)));
    if (cookies) layer("cookies", Shell.cookies(place(around.cookies)));
    if (question) layer("question", Shell.question(question, place(around.question, question.record, question.ui)));
    if (menu) layer("menu", Shell.menu(menu, place(around.menu, menu.record)));
    layer("toasts", toasts.map(Shell.toast).join(""));
    Morph.towards(host(), layers.join(""));
    if ("dark" in store.values) document.documentElement.dataset.bsTheme = store.values.dark ? "dark" : "light";
    for (const end of host().querySelectorAll("[data-end]")) end.scrollTop = end.scrollHeight;
    fit();
  }

  /* A menu stays inside the window. */
  function fit() {
    const box = host().querySelector(".desk-menu");
    if (!box) return;
    const r = box.getBoundingClientRect();
    if (r.right > innerWidth - 6) box.style.left = `${Math.max(6, innerWidth - r.width - 6)}px`;
    if (r.bottom > innerHeight - 6) box.style.top = `${Math.max(6, innerHeight - r.height - 6)}px`;
  }

  function actsOf(name) {
    if (name === "window") return signedIn ? pages.at(-1).acts : around.window;
    if (name?.startsWith("dialog:")) return dialogs.find((f) => `dialog:${f.n}` === name)?.acts;
    return around[name];
  }

  const actOf = (element) => actsOf(element.closest("[data-layer]")?.dataset.layer)?.[element.dataset.id];

  function open(name, record) {
    (world.def.screens[name].as ? dialogs : pages).push(frame(name, record));
  }

  function back(count) {
    for (let i = 0; i < count; i++) {
      if (dialogs.length) dialogs.pop();
      else if (pages.length > 1) pages.pop();
    }
  }

  function write(name, value) {
    store.draft[name] = value;
    for (const input of host().querySelectorAll(`[data-field="${name}"]`)) input.value = value;
  }

  function toast(text) {
    const one = { n: ++serial, text };
    toasts.push(one);
    setTimeout(() => {
      toasts = toasts.filter((other) => other !== one);
      draw();
    }, 3200);
  }

  function forget(record) {
    store.remove(record);
    for (const [name, value] of Object.entries(store.values)) if (value === record) store.values[name] = null;
  }

  const filled = (spec, record) => Object.fromEntries(Object.entries(spec).map(([name, value]) => [name, store.fill(value, record)]));

  /* Fields that must hold something; what is missing is said below them and nothing further happens. */
  function lacking(wanted) {
    const ui = question?.ui || top().ui;
    ui.wrong = Object.fromEntries(Object.entries(wanted).filter(([name]) => !String(store.draft[name] ?? "").trim()));
    return Object.keys(ui.wrong).length > 0;
  }

  const steps = {
    open: (step, record) => open(step.open, record),
    back: (step) => back(Number(step.back)),
    nav: (step) => visit(step.nav),
    draft: (step, record) => Object.entries(filled(step.draft, record)).forEach(([name, value]) => write(name, value)),
    add: (step, record) => {
      const added = store.add(step.add, filled(step.record, record));
      if (step.first) store.collections[step.add].unshift(store.collections[step.add].pop());
      if (step.choose) store.values[step.choose] = added;
    },
    set: (step, record) => Object.assign(record, filled(step.set, record)),
    update: (step, record) => store.select(step.update, step.where, null, record).forEach((found) => Object.assign(found, filled(step.to, found))),
    put: (step, record) => Object.assign(store.values, filled(step.put, record)),
    count: (step, record) => (record[step.count] = Math.max(step.least ?? 0, Number(record[step.count]) + step.by)),
    remove: (step, record) => (step.remove === true ? [record] : store.select(step.remove, step.where, null, record)).forEach(forget),
    choose: (step, record) => (store.values[step.choose] = record),
    confirm: (step, record) => (question = { n: ++serial, spec: step.confirm, record, ui: {} }),
    toast: (step, record) => toast(store.fill(step.toast, record)),
    cookies: () => (cookies = false),
    signOut: () => (signedIn = false),
  };

  function run(action, record) {
    for (const step of [action || []].flat()) {
      if (step.only && !store.matches(record, step.only)) continue;
      if (step.need) {
        if (lacking(step.need)) break;
        continue;
      }
      const kind = Object.keys(steps).find((name) => name in step);
      steps[kind](step, record);
    }
    draw();
  }

  function visit(name) {
    dialogs = [];
    pages = [frame(name)];
    if (world.def.screens[name].fresh) for (const [field, value] of Object.entries(world.def.screens[name].fresh)) store.draft[field] = value;
  }

  function showMenu(items, record, x, y, width = 160) {
    menu = { n: ++serial, items, record, x: Math.round(x), y: Math.round(y), width: Math.round(width) };
    draw();
  }

  function signIn() {
    if (lacking({ user: "Please fill in this field.", secret: "Enter your password." })) {
      world.gate.wrong = top().ui.wrong;
      top().ui.wrong = undefined;
    } else signedIn = true;
    draw();
  }

  function act(spec, element) {
    if (spec.menu) {
      const r = element.getBoundingClientRect();
      return showMenu(spec.menu, spec.record, r.left, r.bottom + 4, spec.anchored ? r.width : 160);
    }
    if (spec.signIn) return signIn();
    if (spec.nav) visit(spec.nav);
    else if (spec.sort) {
      const state = top().ui[spec.sort[0]];
      [state.sort, state.down] = [spec.sort[1], state.sort === spec.sort[1] && !state.down];
    } else if (spec.turn) top().ui[spec.turn[0]].page += spec.turn[1];
    else if (spec.do) return run(spec.do, spec.record);
    return draw();
  }

  function clicked(event) {
    const element = event.target.closest("[data-id]");
    const inMenu = event.target.closest(".desk-menu");
    const closing = menu && !inMenu;
    if (menu) menu = null;
    if (event.target.closest('[data-layer="question"]') && element && !element.matches("[data-field]")) {
      const spec = around.question[element.dataset.id];
      const [first] = [spec.do].flat();
      if (first?.need && lacking(first.need)) return draw();
      question = null;
      return run(spec.do, spec.record);
    }
    if (closing) return draw();
    if (!element || element.matches("[data-field]")) return undefined;
    const spec = inMenu ? around.menu[element.dataset.id] : actOf(element);
    return spec ? act(spec, element) : undefined;
  }

  function twice(event) {
    const element = event.target.closest("[data-id]");
    const spec = element && actOf(element);
    if (spec?.twice) run(spec.twice, spec.record);
  }

  function asked(event) {
    event.preventDefault();
    const found = event.target.closest("[data-id]");
    for (let e = found; e; e = e.parentElement?.closest("[data-id]")) {
      const spec = actOf(e);
      if (spec?.context) return showMenu(spec.context, spec.record, event.clientX, event.clientY);
    }
    return undefined;
  }

  function typed(event) {
    const spec = actOf(event.target);
    if (!spec?.field) return;
    const { id, bind, kind, live } = spec.field;
    (bind ? spec.record : store.draft)[id] = event.target.value;
    const ui = question?.ui || (signedIn ? top().ui : world.gate);
    if (ui.wrong) delete ui.wrong[id];
    if (kind === "search" || live || bind || ui.wrong) draw();
  }

  function dropped(element, target) {
    const [taken, there] = [actOf(element), actOf(target)];
    if (!taken || !there?.drop) return;
    if (there.drop.as) store.draft[there.drop.as] = there.record?.[there.drop.key];
    run(there.drop.do, taken.record);
  }

  function pressed(event) {
    const typing = event.target.matches("input, textarea");
    const combo = `${event.ctrlKey ? "Control+" : ""}${event.key}`;
    if (event.key === "Escape") {
      if (menu) menu = null;
      else if (question) question = null;
      else if (dialogs.length) dialogs.pop();
      else return;
      draw();
    } else if (event.key === "Enter" && typing) {
      const spec = actOf(event.target);
      if (spec?.field?.enter && event.target.tagName === "INPUT") run(spec.field.enter, spec.record);
      else if (!signedIn) signIn();
    } else if (world.def.keys?.[combo] && signedIn && !dialogs.length && !question && (event.ctrlKey || !typing)) {
      event.preventDefault();
      const does = world.def.keys[combo];
      if (does.focus) host().querySelector(`[data-id="${does.focus}"]`)?.focus();
      else run(does, top().record);
    }
  }

  function dress(look) {
    const root = document.documentElement;
    root.dataset.bsTheme = look.dark ? "dark" : "light";
    root.className = look.classes.join(" ");
    for (const [name, value] of Object.entries(look.variables)) root.style.setProperty(`--${name}`, value);
  }

  async function start(given) {
    world = given;
    world.gate = {};
    store = new Store(world.state);
    store.draft = { user: "", secret: "", remember: false, ...(world.def.draft || {}) };
    signedIn = !world.gated;
    cookies = world.cookies;
    pages = [frame(world.begin)];
    for (const [name, [collection, index]] of Object.entries(world.chosen)) store.values[name] = store.collections[collection][index] || null;
    dress(world.look);
    draw();
    document.addEventListener("click", clicked);
    document.addEventListener("dblclick", twice);
    document.addEventListener("contextmenu", asked);
    document.addEventListener("input", typed);
    document.addEventListener("keydown", pressed);
    Drag.start(dropped);
    await Promise.all([...document.fonts].map((face) => (world.look.fonts.includes(face.family.replaceAll('"', "")) ? face.load() : null)));
  }

  // What the actor may ask.

  const layer = () => [...host().querySelectorAll("[data-layer]")].filter((e) => !["toasts", "cookies"].includes(e.dataset.layer)).at(-1);

  function where() {
    const idle = !document.getAnimations().some((a) => a.playState !== "finished" && a.effect.target?.closest?.(".veil, .desk-menu, .appearing"));
    return { signedIn, cookies, screens: [...pages, ...dialogs].map((f) => f.name), menu: menu !== null, question: question !== null, idle };
  }

  const element = (id) => [...(id.startsWith("cookies:") ? host() : layer()).querySelectorAll(`[data-id="${CSS.escape(id)}"]`)].find((e) => e.getClientRects().length > 0);

  function scroller(e) {
    for (let up = e.parentElement; up && up !== host(); up = up.parentElement) {
      if (/auto|scroll/.test(getComputedStyle(up).overflowY) && up.scrollHeight > up.clientHeight + 1) return up;
    }
    return null;
  }

  /* Where an element of the uppermost layer is, px, and between which heights it can be seen; null when it is not. */
  function locate(id) {
    const found = element(id);
    if (!found) return null;
    const r = found.getBoundingClientRect();
    const area = scroller(found)?.getBoundingClientRect();
    return {
      x: r.x, y: r.y, width: r.width, height: r.height, scrolls: Boolean(area),
      top: Math.max(0, area ? area.top : 0), bottom: Math.min(innerHeight, area ? area.bottom : innerHeight),
      left: area ? area.left : 0, right: area ? area.right : innerWidth,
    };
  }

  /* The largest thing that can still be scrolled down: {more, x, y} px, its middle; null when there is none. */
  function extent() {
    const found = [...layer().querySelectorAll("*")].filter((e) => /auto|scroll/.test(getComputedStyle(e).overflowY) && e.scrollHeight > e.clientHeight + 40 && e.clientHeight > 150);
    if (!found.length) return null;
    const best = found.reduce((a, b) => (b.clientWidth * b.clientHeight > a.clientWidth * a.clientHeight ? b : a));
    const r = best.getBoundingClientRect();
    return { more: best.scrollHeight - best.clientHeight - best.scrollTop, x: r.x + r.width / 2, y: r.y + r.height / 2 };
  }

  const find = (name, wanted) => store.select(name, wanted)[0]?.key ?? null;
  const holds = (goals) => goals.every((goal) => store.holds(goal));
  const value = (id) => element(id)?.value ?? "";
  const focused = () => document.activeElement?.dataset?.id ?? null;
  /* Ids in the uppermost layer that begin with a text. */
  const ids = (start_) => [...layer().querySelectorAll("[data-id]")].filter((e) => e.dataset.id.startsWith(start_) && e.getClientRects().length > 0).map((e) => e.dataset.id);

  return { start, where, locate, extent, find, holds, value, focused, ids };
})();
