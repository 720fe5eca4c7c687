"use strict";
/* The apps themselves: screens of a definition on Framework7's router, what taps do, and what the actor may ask.

   A *frame* is one open screen: {n, name, kind: page | popup | sheet, record, acts, element, modal}. `stack` holds
   them from the app's root upwards. */
const phone = (() => {
  let world = null;
  let f7 = null;
  let def = null;
  let store = null;
  let view = null;
  let stack = [];
  let serial = 0;
  const frames = new Map();
  const stores = {};

  const root = () => document.getElementById("app");
  const top = () => stack[stack.length - 1];
  const settings = () => stores.settings?.values || {};

  function context(frame) {
    return { store, theme: world.theme, acts: frame.acts };
  }

  function markup(frame) {
    const html = Render.page(def, frame.name, context(frame), frame.record, frame.n === stack[0].n ? 0 : 1);
    return html.replace('<div class="page ', `<div data-frame="${frame.n}" class="page `);
  }

  function settle(frame) {
    frame.element = document.querySelector(`[data-frame="${frame.n}"]`);
    Morph.remember(frame.element);
    Wheels.mount(f7, frame.element, store.draft, world.theme);
    for (const messages of frame.element.querySelectorAll(".messages-content")) messages.scrollTop = messages.scrollHeight;
  }

  function push(name, record, kind) {
    const frame = { n: ++serial, name, kind, record, acts: {}, element: null, modal: null };
    frames.set(frame.n, frame);
    stack.push(frame);
    return frame;
  }

  function mount(name) {
    def = world.apps[name];
    store = stores[name];
    store.draft = { ...(def.draft || {}) };
    stack = [];
    const host = document.createElement("div");
    host.className = "view view-main";
    root().append(host);
    const first = push(def.start, null, "page");
    view = f7.views.create(host, {
      main: true,
      url: `/${first.n}/`,
      iosSwipeBack: false,
      transition: world.transition || undefined,
      routes: [{ path: "/:n/", async: ({ to, resolve }) => resolve({ content: markup(frames.get(Number(to.params.n))) }) }],
    });
    settle(first);
  }

  function unmount() {
    Keyboard.hide();
    Overlays.closeAll();
    const old = view;
    const host = old.el;
    view = null;
    def = null;
    stack = [];
    setTimeout(() => {
      old.destroy();
      host.remove();
    }, 450);
  }

  function open(name, record) {
    Keyboard.hide();
    const kind = def.screens[name].as || "page";
    const frame = push(name, record, kind);
    if (kind === "page") view.router.navigate(`/${frame.n}/`);
    else frame.modal = Overlays.screen(f7, kind, markup(frame), () => settle(frame));
    settle(frame);
  }

  /* Closes the uppermost overlay or `count` screens; false at the app's root. */
  function back(count = 1) {
    Keyboard.hide();
    if (Overlays.cancel()) return true;
    if (stack.length <= count) return false;
    const gone = stack.splice(-count);
    for (const frame of gone) frames.delete(frame.n);
    if (gone[0].modal) gone[0].modal.close();
    else if (count === 1) view.router.back();
    else {
      view.router.back(`/${top().n}/`, { force: true });
      settle(top());
    }
    return true;
  }

  function tab(name) {
    Keyboard.hide();
    const frame = stack[0];
    frame.name = name;
    frame.acts = {};
    view.router.navigate(`/${frame.n}/`, { reloadCurrent: true, ignoreCache: true, animate: false });
    settle(frame);
  }

  function redraw(frame) {
    frame.acts = {};
    const screen = def.screens[frame.name];
    const here = context(frame);
    const depth = frame === stack[0] ? 0 : 1;
    const part = (selector, html) => {
      const element = frame.element.querySelector(selector);
      if (element) Morph.towards(element, html);
    };
    const bar = Render.bar(screen, here, frame.record, depth);
    part(".navbar .left", bar.left);
    part(".navbar .right", bar.right);
    part(".navbar .title", bar.title);
    part(".title-large-text", bar.title);
    part(".fabs", bar.fab);
    if (depth === 0 && def.tabs) part(".tabbar", Render.tabbar(def, here, frame.name));
    if (screen.composer) frame.acts[screen.composer.id] = { do: screen.composer.do, record: frame.record };
    const content = frame.element.querySelector(".page-content");
    const before = content.querySelectorAll(".message").length;
    Morph.towards(content, Render.body(screen, here, frame.record));
    if (content.querySelectorAll(".message").length > before) content.scrollTop = content.scrollHeight;
    Wheels.mount(f7, frame.element, store.draft, world.theme);
  }

  function refresh() {
    for (const frame of stack) if (frame.element?.isConnected) redraw(frame);
    Home.status();
    const dark = settings().dark;
    if (dark !== undefined && dark !== f7.darkMode) f7.setDarkMode(dark);
  }

  /* Sets a field of the form, on the screen too where it is open. */
  function write(name, value) {
    store.draft[name] = value;
    for (const field of root().querySelectorAll(`[data-field="${name}"]`)) field.value = value;
  }

  const steps = {
    open: (step, record) => open(step.open, record),
    back: (step) => back(Number(step.back)),
    home: () => Home.close(),
    draft: (step, record) => {
      for (const [name, value] of Object.entries(step.draft)) write(name, store.fill(value, record));
    },
    add: (step, record) => {
      const entries = Object.entries(step.record).map(([name, value]) => [name, value === "{now}" ? Date.now() : store.fill(value, record)]);
      const added = store.add(step.add, Object.fromEntries(entries));
      if (step.show) open(step.show, added);
    },
    set: (step, record) => {
      for (const [name, value] of Object.entries(step.set)) record[name] = store.fill(value, record);
    },
    update: (step, record) => {
      for (const found of store.select(step.update, step.where, null, record)) {
        for (const [name, value] of Object.entries(step.to)) found[name] = store.fill(value, record);
      }
    },
    put: (step, record) => {
      for (const [name, value] of Object.entries(step.put)) store.values[name] = store.fill(value, record);
    },
    remove: (step, record) => {
      const dropped = step.remove === true ? [record] : store.select(step.remove, step.where, null, record);
      for (const one of dropped) store.remove(one);
    },
    confirm: (step, record) => Overlays.confirm(f7, store, step.confirm, record, (then) => run(then, record)),
    prompt: (step, record) => Overlays.prompt(f7, store, step.prompt, record, (then) => run(then, record)),
    menu: (step, record) => Overlays.menu(f7, step.menu, (then) => run(then, record)),
    toast: (step, record) => Overlays.toast(f7, store.fill(step.toast, record)),
    after: (step, record) => {
      const [home, frame] = [view, top()];
      setTimeout(() => view === home && top() === frame && run(step.do, record), step.after);
    },
  };

  function run(action, record) {
    for (const step of [action].flat()) {
      const kind = Object.keys(steps).find((name) => name in step);
      steps[kind](step, record);
    }
    if (def) refresh();
  }

  function act(frame, spec, element) {
    const swiped = element.closest(".swipeout-actions-right") && [spec.do].flat().some((s) => s.remove === true);
    if (spec.tab) tab(spec.tab);
    else if (spec.dial !== undefined) {
      const digits = (store.draft[spec.field] || "").replaceAll("-", "") + spec.dial;
      store.draft[spec.field] = digits.replace(/^(\d{3})(\d)/, "$1-$2").replace(/^(\d{3}-\d{3})(\d)/, "$1-$2");
      refresh();
    } else if (spec.flip) {
      const scope = spec.record && spec.flip in spec.record ? spec.record : store.values;
      scope[spec.flip] = !scope[spec.flip];
      run(spec.do || [], spec.record);
    } else if (swiped) f7.swipeout.delete(element.closest("li"), () => run(spec.do, spec.record));
    else if (spec.do) run(spec.do, spec.record);
  }

  function tapped(event) {
    const element = event.target.closest("[data-id]");
    if (!element && event.target.closest(".page-content")) Keyboard.hide();
    if (!element || element.matches("[data-field]")) return;
    event.preventDefault();
    const frame = frames.get(Number(element.closest("[data-frame]")?.dataset.frame));
    const spec = frame?.acts[element.dataset.id];
    if (spec) act(frame, spec, element);
  }

  function typed(event) {
    const field = event.target.dataset.field;
    if (!field || !store) return;
    store.draft[field] = event.target.value;
    if (top() && def.screens[top().name].live) redraw(top());
  }

  async function start(given) {
    world = given;
    document.documentElement.classList.add(world.theme);
    document.documentElement.style.setProperty("--font", `${world.font}, sans-serif`);
    for (const [name, state] of Object.entries(world.state)) stores[name] = new Store(state);
    f7 = new Framework7({
      el: "#app",
      name: "Phone",
      theme: world.theme,
      darkMode: world.dark,
      colors: { primary: world.accent },
      touch: { tapHold: false },
      toast: { closeTimeout: 2500 },
    });
    Keyboard.start(world);
    Home.start(world);
    Gestures.start();
    root().addEventListener("click", tapped);
    root().addEventListener("input", typed);
    setInterval(() => {
      for (const frame of stack) if (def.screens[frame.name].ticking && frame.element?.isConnected) redraw(frame);
    }, 1000);
    if (world.begin) Home.open(world.begin.app, false);
    if (world.begin?.screen && def.tabs?.includes(world.begin.screen)) tab(world.begin.screen);
    await Promise.all([...document.fonts].map((face) => (world.font.includes(face.family) || /Icons/.test(face.family) ? face.load() : null)));
  }

  /* Nothing large is moving and taps are taken. */
  function idle() {
    if (view && !view.router.allowPageChange) return false;
    const large = "#app, #keyboard, .page, .popup, .sheet-modal, .dialog, .actions-modal, .swipeout, .swipeout-content";
    return !document.getAnimations().some((a) => a.playState !== "finished" && a.effect.target?.matches(large));
  }

  function where() {
    return { app: Home.current(), screens: stack.map((f) => f.name), overlay: Overlays.shown(), keyboard: Keyboard.shown(), idle: idle() };
  }

  /* Where an element of the uppermost layer is, px, and between which heights (`top`, `bottom`) it can be reached. */
  function locate(id) {
    const found = [...layer().querySelectorAll(`[data-id="${CSS.escape(id)}"]`)].find((e) => e.getClientRects().length > 0);
    if (!found) return null;
    const r = found.getBoundingClientRect();
    const scroll = found.closest(".page-content");
    const area = scroll?.getBoundingClientRect();
    const keyboard = Keyboard.shown() ? document.getElementById("keyboard").getBoundingClientRect().top : innerHeight;
    const bars = scroll ? getComputedStyle(scroll) : null;
    const low = bars && !Keyboard.shown() ? parseFloat(bars.paddingBottom) : 0;
    const button = scroll && layer().querySelector(".fab a");
    return {
      x: r.x, y: r.y, width: r.width, height: r.height,
      top: area ? area.top + parseFloat(bars.paddingTop) : 0,
      bottom: Math.min(keyboard, area ? area.bottom - low : innerHeight, button ? button.getBoundingClientRect().top : innerHeight),
      scrolls: Boolean(scroll),
    };
  }

  /* How far the uppermost page can still scroll down, and between which heights it can be dragged, px. */
  function extent() {
    const page = layer().querySelector(".page-content");
    if (!page) return { more: 0, top: 0, bottom: 0 };
    const bars = getComputedStyle(page);
    const area = page.getBoundingClientRect();
    const [top, bottom] = [area.top + parseFloat(bars.paddingTop), area.bottom - parseFloat(bars.paddingBottom)];
    return { more: page.scrollHeight - page.clientHeight - page.scrollTop, top, bottom };
  }

  const has = (name) => name in world.apps;
  const find = (name, wanted) => store.select(name, wanted)[0]?.key ?? null;
  const apps = () => Object.keys(world.apps);
  const holds = (app, goals) => goals.every((goal) => stores[app].holds(goal));
  const layer = () => Overlays.element() || top()?.element || document.getElementById("home");

  return { start, mount, unmount, back, has, settings, where, find, holds, layer, locate, extent, apps };
})();
