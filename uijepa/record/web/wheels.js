"use strict";
/* Wheels for times, dates and durations: Framework7's picker, bound to a field of the form. */
const Wheels = (() => {
  const MONTHS = "January February March April May June July August September October November December".split(" ");
  const pad = (n) => String(n).padStart(2, "0");
  const range = (from, to, step = 1) => Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);

  /* The columns of each kind, and how a value is taken apart and put together. */
  const kinds = {
    time: {
      cols: () => [{ values: range(1, 12).map(String) }, { values: range(0, 55, 5).map(pad) }, { values: ["AM", "PM"] }],
      split: (v) => /^(\d+):(\d\d) (\wM)$/.exec(v).slice(1),
      join: ([h, m, half]) => `${h}:${m} ${half}`,
    },
    minutes: {
      cols: () => [{ values: range(1, 59).map(String) }, { divider: true, content: "min" }],
      split: (v) => [v],
      join: ([m]) => m,
    },
    date: {
      cols: () => [{ values: MONTHS, textAlign: "right" }, { values: range(1, 31).map(String) }],
      split: (v) => v.split(" "),
      join: (parts) => parts.join(" "),
    },
  };

  function mount(f7, element, draft, theme) {
    for (const host of element.querySelectorAll("[data-wheel]")) {
      if (host.f7wheel) continue;
      const [name, kind] = [host.dataset.wheel, kinds[host.dataset.kind]];
      host.f7wheel = f7.picker.create({
        containerEl: host,
        toolbar: false,
        rotateEffect: theme === "ios",
        cols: kind.cols().map((col) => ({ textAlign: "center", ...col })),
        value: kind.split(String(draft[name])),
        on: { change: (_, values) => (draft[name] = kind.join(values.filter((v) => v !== undefined))) },
      });
    }
  }

  /* The columns of a wheel as the actor needs them: [{index, goal, height, x, y, visible}], px. */
  function columns(layer, name, value) {
    const host = layer.querySelector(`[data-wheel="${name}"]`);
    const parts = kinds[host.dataset.kind].split(value);
    return host.f7wheel.cols.filter((col) => !col.divider).map((col, i) => {
      const r = col.el.getBoundingClientRect();
      const height = col.items[0].offsetHeight;
      const index = Math.round(col.$itemsEl[0].scrollTop / height);
      return { index, goal: col.values.indexOf(parts[i]), height, x: r.left + r.width / 2, y: r.top + r.height / 2, span: r.height };
    });
  }

  return { mount, columns };
})();
