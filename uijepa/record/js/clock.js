// A page's time, in the recorder's hands: timers, frames of animation, dates and chance follow a virtual clock
// that moves only inside `advance`. CSS transitions and animations are held by the recorder (the browser's own
// playback rate is 0) and their times set from here. CONFIG is replaced by {epoch: Unix ms, seed: uint32}.
(() => {
  if (window.__stage) return;
  const config = CONFIG;
  const TICK = 1000 / 60;
  const MOST_CALLS = 200000;
  const native = {
    raf: window.requestAnimationFrame.bind(window),
    timeout: window.setTimeout.bind(window),
    fetch: window.fetch ? window.fetch.bind(window) : null,
    Date: window.Date,
  };
  let now = 0;
  let seq = 0;
  let nesting = 0;
  let dirty = true;
  let touched = true;
  let loading = 0;
  const timers = new Map();
  let frames = new Map();
  const held = new Map();
  const roots = new Set();

  // ---- chance: sfc32 after a few rounds, seeded for each clip
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, config.seed >>> 0, 1];
  const chance = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 12; i++) chance();
  Math.random = chance;

  // ---- dates
  const wall = () => config.epoch + Math.floor(now);
  class VirtualDate extends native.Date {
    constructor(...args) { args.length ? super(...args) : super(wall()); }
    static now() { return wall(); }
  }
  window.Date = new Proxy(VirtualDate, { apply: () => new VirtualDate().toString() });
  VirtualDate.prototype.constructor = window.Date;
  performance.now = () => now;

  // ---- timers
  const add = (fn, delay, args, every) => {
    const id = ++seq;
    const level = nesting + 1;
    const least = level > 5 ? 4 : 1;
    const wait = Math.max(least, Number(delay) || 0);
    timers.set(id, { id, due: now + wait, fn, args, every: every ? wait : 0, level });
    return id;
  };
  window.setTimeout = (fn, delay, ...args) => add(fn, delay, args, false);
  window.setInterval = (fn, delay, ...args) => add(fn, delay, args, true);
  window.clearTimeout = window.clearInterval = (id) => { timers.delete(id); };
  window.requestAnimationFrame = (fn) => { frames.set(++seq, fn); return seq; };
  window.cancelAnimationFrame = (id) => { frames.delete(id); };
  window.requestIdleCallback = (fn) =>
    add(() => fn({ didTimeout: false, timeRemaining: () => 50 }), 1, [], false);
  window.cancelIdleCallback = window.clearTimeout;

  // A callback's error must not stop the clock: report it as the browser would.
  const call = (fn, args) => {
    try { typeof fn === 'function' ? fn.apply(window, args) : (0, eval)(String(fn)); }
    catch (error) { window.reportError(error); }
  };

  // ---- what is under way besides timers
  if (native.fetch) {
    window.fetch = (...args) => {
      loading++;
      return native.fetch(...args).finally(() => { loading--; });
    };
  }
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (...args) {
    loading++;
    this.addEventListener('loadend', () => { loading--; }, { once: true });
    return send.apply(this, args);
  };
  const busy = () => loading > 0 || document.readyState === 'loading'
    || [...document.images].some((image) => !image.complete && image.loading !== 'lazy');

  // Let promises and posted messages run before time moves on.
  const channel = new MessageChannel();
  let landed = null;
  channel.port1.onmessage = () => { const go = landed; landed = null; go(); };
  const breathe = () => new Promise((go) => { landed = go; channel.port2.postMessage(0); });
  const drawn = () => new Promise((go) => native.raf(() => go()));
  const quiet = async () => {
    await breathe();
    for (let i = 0; busy(); i++) {
      if (i > 2000) throw new Error('the page did not finish loading what it asked for');
      await new Promise((go) => native.timeout(go, 4));
    }
  };

  // ---- noticing change
  // Animations are caught in the very task that starts them, before the browser draws a frame of them.
  // `dirty` asks the recorder to look at the screen; `touched` says that the screen may look different, and must never
  // miss a change: without it no picture is taken.
  const touch = () => { dirty = touched = true; };
  const observer = new MutationObserver(() => { touch(); hold(); });
  const all = { subtree: true, childList: true, attributes: true, characterData: true };
  observer.observe(document, all);
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options);
    roots.add(root);
    observer.observe(root, all);
    return root;
  };
  for (const kind of ['input', 'change', 'load']) {
    document.addEventListener(kind, touch, { capture: true, passive: true });
  }
  // These come with the browser's next frame, in real time: they must not decide over moments.
  document.addEventListener('scroll', () => { touched = true; }, { capture: true, passive: true });
  document.fonts.addEventListener('loadingdone', () => { touched = true; });
  // What must be drawn before time goes on, or the browser's own frames, in real time, would decide what comes of it:
  // a page hears of its scripts' scrolling with a frame, and what begins to move is rasterised at the size it then has.
  let owed = false;
  const scroll = () => { touch(); owed = true; };
  for (const owner of [Element.prototype, window]) {
    for (const name of ['scroll', 'scrollTo', 'scrollBy', 'scrollIntoView']) {
      const own = owner[name];
      if (own) owner[name] = function (...args) { scroll(); return own.apply(this, args); };
    }
  }
  for (const name of ['scrollTop', 'scrollLeft']) {
    const { get, set } = Object.getOwnPropertyDescriptor(Element.prototype, name);
    Object.defineProperty(Element.prototype, name, {
      get, set(value) { scroll(); set.call(this, value); }, configurable: true, enumerable: true,
    });
  }
  const paid = async () => {
    if (!owed) return;
    owed = false;
    await drawn();
    await breathe();
  };
  for (const kind of ['mousemove', 'mousedown', 'mouseup', 'focusin', 'focusout']) {
    window.addEventListener(kind, () => queueMicrotask(hold), { capture: true, passive: true });
  }
  // Values set by scripts and pictures drawn on a canvas are no mutations.
  const controls = () => {
    if (document.querySelector('canvas, video')) return Math.random === chance ? ++seq : 0;
    let sum = '';
    for (const e of document.querySelectorAll('input, textarea, select')) sum += `${e.value}|${e.checked}|`;
    return sum;
  };

  // What style sheets and the browser draw differently without a mutation: what is pointed at, pressed and focused,
  // what is selected, what fields hold.
  const STATES = ':hover, :active, :focus, :focus-visible';
  const FIELDS = 'input, textarea, select';
  const UNKNOWN = 'canvas, video, iframe, object, embed';
  let looked = [];
  const look = () => {
    const seen = [];
    let opaque = false;
    for (const root of [document, ...roots]) {
      if (root !== document && !root.host.isConnected) continue;
      opaque ||= root.querySelector(UNKNOWN) !== null || root.querySelector('input:hover, select:hover') !== null;
      for (const state of STATES.split(', ')) seen.push(state, ...root.querySelectorAll(state));
      for (const field of root.querySelectorAll(FIELDS)) seen.push(field, field.value, field.checked, field.indeterminate);
      const active = root.activeElement;
      if (active && 'selectionStart' in active) seen.push(active.selectionStart, active.selectionEnd);
    }
    const chosen = document.getSelection();
    if (chosen) seen.push(chosen.anchorNode, chosen.anchorOffset, chosen.focusNode, chosen.focusOffset);
    const same = !opaque && seen.length === looked.length && seen.every((one, i) => one === looked[i]);
    looked = seen;
    if (!same) touched = true;
  };

  // ---- animations
  const animations = () => {
    const list = document.getAnimations();
    for (const root of roots) if (root.host.isConnected) list.push(...root.getAnimations());
    return list.filter((one) => !mine.has(one));
  };
  // A moving layer at a fraction of a pixel, or at a fraction of its size, is rasterised for that or not, as the
  // browser's own frames happen to fall in real time, and two runs would differ. So what moves stands on whole
  // pixels (a second, paused animation lies over the first), and `will-change` keeps its size of raster.
  const MOVING = ['transform', 'translate', 'scale', 'rotate'];
  const steadied = new Map();
  const mine = new WeakSet();
  const moving = () => {
    const targets = new Set();
    for (const { effect } of held.keys()) {
      if (!effect || !effect.target || effect.pseudoElement) continue;
      if (effect.getKeyframes().some((frame) => MOVING.some((name) => name in frame))) targets.add(effect.target);
    }
    return targets;
  };
  const steady = () => {
    const targets = moving();
    for (const [target, { over, before }] of steadied) {
      if (targets.has(target)) continue;
      over.cancel();
      if (target.style.willChange === 'transform') target.style.willChange = before;
      steadied.delete(target);
    }
    for (const target of targets) {
      if (!steadied.has(target)) {
        const over = target.animate({}, { duration: 1000, fill: 'both' });
        mine.add(over);
        over.pause();
        over.currentTime = 0;
        steadied.set(target, { over, before: target.style.willChange, shown: false });
        target.style.willChange = 'transform';
      }
      const state = steadied.get(target);
      const { over } = state;
      over.effect.setKeyframes({});
      const style = getComputedStyle(target);
      if (!state.shown && Number(style.opacity) > 0) owed = state.shown = true;
      const at = DOMMatrix.fromMatrix(new DOMMatrixReadOnly(style.transform));
      at.m41 = Math.round(at.m41);
      at.m42 = Math.round(at.m42);
      over.effect.setKeyframes({ transform: [at.toString(), at.toString()] });
    }
  };
  const hold = () => {
    const live = new Set(animations());
    for (const one of held.keys()) {
      if (live.has(one)) continue;
      held.delete(one);
      touched = true;
    }
    for (const one of live) {
      if (held.has(one) || one.playState !== 'running') continue;
      const at = one.currentTime === null ? 0 : Number(one.currentTime);
      const { endTime } = one.effect.getComputedTiming();
      one.pause();
      one.currentTime = at;
      const rate = Math.abs(one.playbackRate) || 1;
      touched = true;
      held.set(one, { start: now - at / rate, rate, end: Number(endTime) });
    }
    steady();
  };
  const endOf = (state) => state.start + state.end / state.rate;
  const play = async () => {
    let ended = false;
    for (const [one, state] of held) {
      if (one.playState === 'idle') {
        held.delete(one);
        touched = true;
        continue;
      }
      if (now >= endOf(state) - 1e-6) {
        held.delete(one);
        one.finish();
        ended = true;
      } else one.currentTime = (now - state.start) * state.rate;
      touch();
    }
    steady();
    // The browser tells the page of an ended transition when it draws the next frame.
    if (ended) { await drawn(); await breathe(); hold(); }
  };

  const nextTimer = () => {
    let best = null;
    for (const one of timers.values()) {
      if (!best || one.due < best.due || (one.due === best.due && one.id < best.id)) best = one;
    }
    return best;
  };
  const runTimers = async () => {
    let ran = 0;
    for (let one = nextTimer(); one && one.due <= now; one = nextTimer()) {
      timers.delete(one.id);
      if (one.every) timers.set(one.id, { ...one, due: one.due + one.every });
      nesting = one.level;
      call(one.fn, one.args);
      nesting = 0;
      await breathe();
      ran++;
    }
    return ran;
  };
  const runFrames = async () => {
    const due = frames;
    frames = new Map();
    for (const [id, fn] of due) {
      due.delete(id);
      call(fn, [now]);
    }
    await breathe();
    return due.size;
  };

  const stage = {
    // Move to `until`, or to the first moment from `shot` on at which something has changed.
    async advance({ from, until, shot, changed }) {
      now = Math.max(now, from);
      dirty = dirty || changed;
      await quiet();
      hold();
      await paid();
      for (let calls = 0; ; calls++) {
        if (calls > MOST_CALLS) throw new Error('the page sets timers without end');
        if (now >= until || (dirty && now >= shot)) break;
        const timer = nextTimer();
        let next = until;
        if (timer) next = Math.min(next, timer.due);
        if (frames.size) next = Math.min(next, (Math.floor(now / TICK + 1e-6) + 1) * TICK);
        for (const state of held.values()) next = Math.min(next, endOf(state));
        if (held.size) next = Math.min(next, Math.max(now, shot) + (shot > now ? 0 : TICK));
        const tick = Math.abs(next / TICK - Math.round(next / TICK)) < 1e-6;
        now = Math.max(now, next);
        const before = controls();
        let ran = await runTimers();
        if (frames.size && tick) { await runFrames(); ran++; }
        if (ran) {
          if (controls() !== before) touch();
          await quiet();
        }
        hold();
        await paid();
        await play();
        await paid();
      }
      let longest = 0;
      for (const state of held.values()) longest = Math.max(longest, state.end / state.rate);
      if (dirty) look();
      const result = { now, dirty, touched, longest: Number.isFinite(longest) ? longest : -1 };
      dirty = touched = false;
      return result;
    },
    // After real input: let the browser draw (scrolling and hovering happen there) and hold what began to move.
    async settle() {
      await drawn();
      await drawn();
      await quiet();
      hold();
    },
    // After any real input: draw it before the next one. How inputs fall into the browser's frames, which come in
    // real time, would otherwise decide how moving layers are rasterised.
    async react(x, y, down) {
      if (stage.pointer && stage.pointer(x, y, down)) touched = true;
      await drawn();
    },
    pointer: null,
  };
  Object.defineProperty(window, '__stage', { value: stage, enumerable: false });
})();
