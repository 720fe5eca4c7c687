"use strict";
/* The apps themselves: the screens of a definition, what taps do, and what the actor may ask. `Kit` has the markup and
   `Shell` the moving parts of the look that is loaded.

   A *frame* is one open screen: {n, name, kind: page | popup | sheet, record, acts, element, modal}. `stack` holds
   them from the app's root upwards. */
const phone = (() => {
  let world = null;
  let def = null;
  let store = null;
  let host = null;
  let mounted = 0;
  let stack = [];
  let serial = 0;
  const frames = new Map();
  const stores = {};

  const root = () => document.getElementById("app");
  const top = () => stack[stack.length - 1];
  const settings = () => stores.settings?.values || {};

  function context(frame) {
    return { store, theme: world.theme, dark: settings().dark ?? world.dark, accent: world.accent, acts: frame.acts };
  }

  function markup(frame) {
    const html = Kit.page(def, frame.name, context(frame), frame.record, frame.n === stack[0].n ? 0 : 1);
    return html.replace('<div class="page ', `<div data-frame="${frame.n}" class="page `);
  }

  function settle(frame) {
    frame.element = document.querySelector(`[data-frame="${frame.n}"]`);
    Morph.remember(frame.element);
    Wheels.mount(frame.element, store.draft);
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
    host = document.createElement("div");
    root().append(host);
    const first = push(def.start, null, "page");
    mounted++;
    Shell.mount(host, first.n, (n) => markup(frames.get(n)));
    settle(first);
  }

  function unmount() {
    Keyboard.hide();
    const [old, remove] = [host, Shell.unmount()];
    def = null;
    stack = [];
    mounted++;
    setTimeout(() => {
      remove();
      old.remove();
    }, 450);
  }

  function open(name, record) {
    Keyboard.hide();
    const kind = def.screens[name].as || "page";
    const frame = push(name, record, kind);
    if (kind === "page") Shell.push(frame.n);
    else frame.modal = Shell.screen(kind, markup(frame));
    settle(frame);
  }

  /* Closes the uppermost overlay or `count` screens; false at the app's root. */
  function back(count = 1) {
    Keyboard.hide();
    if (Shell.cancel()) return true;
    if (stack.length <= count) return false;
    const gone = stack.splice(-count);
    for (const frame of gone) frames.delete(frame.n);
    const pages = gone.filter((frame) => !frame.modal).length;
    for (const frame of gone) if (frame.modal) frame.modal.close();
    if (pages) Shell.pop(top().n, pages);
    if (pages > 1) settle(top());
    return true;
  }

  function tab(name) {
    Keyboard.hide();
    const frame = stack[0];
    frame.name = name;
    frame.acts = {};
    Shell.replace(frame.n);
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
    const bar = Kit.bar(screen, here, frame.record, depth);
    for (const [name, selector] of Object.entries(Kit.parts)) part(selector, bar[name]);
    if (depth === 0 && def.tabs) part(".tabbar", Kit.tabbar(def, here, frame.name));
    if (screen.composer) frame.acts[screen.composer.id] = { do: screen.composer.do, record: frame.record };
    const content = frame.element.querySelector(".page-content");
    const before = content.querySelectorAll(".message").length;
    Morph.towards(content, Blocks.body(screen, here, frame.record));
    if (content.querySelectorAll(".message").length > before) content.scrollTop = content.scrollHeight;
    Wheels.mount(frame.element, store.draft);
  }

  function refresh() {
    for (const frame of stack) if (frame.element?.isConnected) redraw(frame);
    Home.status();
    Shell.dark(settings().dark ?? world.dark);
  }

  /* Sets a field of the form, on the screen too where it is open. */
  function write(name, value) {
    store.draft[name] = value;
    for (const field of root().querySelectorAll(`[data-field="${name}"]`)) field.value = value;
  }

  function flip(name, record) {
    const scope = record && name in record ? record : store.values;
    scope[name] = !scope[name];
  }

  /* Sets what a record, a form or the app calls `name`, whichever has it. */
  function choose(name, value, record) {
    const own = name.startsWith("draft.");
    const scope = own ? store.draft : [record, store.draft, store.values].find((one) => one && name in one) || store.values;
    scope[own ? name.slice(6) : name] = value;
  }

  /* A dialog; one with a `field` asks for a text. */
  function ask(spec, record) {
    Keyboard.hide();
    const text = (name, other) => store.fill(spec[name] || other, record);
    const field = spec.field && { id: spec.field, value: Markup.escape(store.draft[spec.field] ?? ""), placeholder: Markup.escape(spec.placeholder || "") };
    Shell.dialog({ title: text("title", ""), text: text("text", ""), ok: spec.ok, cancel: spec.cancel || "Cancel", danger: spec.danger, field }, () => run(spec.do, record));
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
    flip: (step, record) => flip(step.flip, record),
    confirm: (step, record) => ask(step.confirm, record),
    prompt: (step, record) => ask(step.prompt, record),
    menu: (step, record) => {
      Keyboard.hide();
      Shell.menu(step.menu, (item) => run(item.do, record));
    },
    toast: (step, record) => Shell.toast(store.fill(step.toast, record)),
    after: (step, record) => {
      const [home, frame] = [mounted, top()];
      setTimeout(() => mounted === home && top() === frame && run(step.do, record), step.after);
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
      flip(spec.flip, spec.record);
      run(spec.do || [], spec.record);
    } else if (spec.choose) {
      choose(spec.choose, spec.value, spec.record);
      run(spec.do || [], spec.record);
    } else if (spec.bump) {
      choose(spec.bump, String(Math.max(0, Number(store.lookup(spec.bump, spec.record)) + spec.by)), spec.record);
      refresh();
    } else if (swiped) Shell.removeRow(element, () => run(spec.do, spec.record));
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
    document.documentElement.classList.add(world.theme, world.bars);
    document.documentElement.style.setProperty("--font", `${world.font}, sans-serif`);
    for (const [name, state] of Object.entries(world.state)) stores[name] = new Store(state);
    document.documentElement.style.setProperty("--accent", world.accent);
    document.documentElement.style.setProperty("--text", world.text);
    Shell.start(world);
    Keyboard.start(world);
    Home.start(world);
    Notices.start(world);
    Gestures.start();
    root().addEventListener("click", tapped);
    document.addEventListener("input", typed);
    setInterval(() => {
      for (const frame of stack) if (def.screens[frame.name].ticking && frame.element?.isConnected) redraw(frame);
    }, 1000);
    if (world.begin) Home.open(world.begin.app, false);
    if (world.begin?.screen && def.tabs?.includes(world.begin.screen)) tab(world.begin.screen);
    await Promise.all([...document.fonts].map((face) => (world.font.includes(face.family) || /Icons/.test(face.family) ? face.load() : null)));
  }

  /* Nothing large is moving and taps are taken. */
  function idle() {
    if (Shell.moving()) return false;
    const large = "#app, #keyboard, .page, .popup, .sheet-modal, .dialog, .actions-modal, .swipeout, .swipeout-content, .alert-wrapper, .action-sheet-wrapper";
    return !document.getAnimations().some((a) => a.playState !== "finished" && a.effect.target?.matches(large));
  }

  function where() {
    return { app: Home.current(), screens: stack.map((f) => f.name), overlay: Shell.shown(), keyboard: Keyboard.shown(), notice: Notices.box(), idle: idle() };
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

  /* Ids of what can be tapped right now without scrolling, in the uppermost layer. */
  function reachable() {
    const ids = [...layer().querySelectorAll("[data-id]")].map((e) => e.dataset.id);
    return [...new Set(ids)].filter((id) => {
      const box = locate(id);
      if (!box || box.width < 8) return false;
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      if (y <= box.top || y >= box.bottom || x <= 0 || x >= innerWidth) return false;
      return document.elementFromPoint(x, y)?.closest("[data-id]")?.dataset.id === id;
    });
  }

  const has = (name) => name in world.apps;
  const find = (name, wanted) => store.select(name, wanted)[0]?.key ?? null;
  const draft = (name) => store.lookup(name, null);
  const apps = () => Object.keys(world.apps);
  const shows = (app, goal) => Home.current() === app && top().name === goal.at && (!goal.where || store.matches(top().record, goal.where));
  const holds = (app, goals) => goals.every((goal) => ("at" in goal ? shows(app, goal) : stores[app].holds(goal)));
  const layer = () => Shell.element() || top()?.element || document.getElementById("home");

  return { start, mount, unmount, back, has, settings, where, find, holds, layer, locate, extent, reachable, apps, draft };
})();
