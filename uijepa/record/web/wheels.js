"use strict";
/* Wheels for times, dates and durations, bound to a field of the form. */
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

  function mount(element, draft) {
    for (const host of element.querySelectorAll("[data-wheel]")) {
      if (host.columns) continue;
      const [name, kind] = [host.dataset.wheel, kinds[host.dataset.kind]];
      const cols = kind.cols().map((col) => ({ textAlign: "center", ...col }));
      host.columns = Shell.wheel(host, cols, kind.split(String(draft[name])), (values) => (draft[name] = kind.join(values)));
    }
  }

  /* The columns of a wheel as the actor needs them: [{index, goal, height, x, y, span}], px. */
  function columns(layer, name, value) {
    const host = layer.querySelector(`[data-wheel="${name}"]`);
    const parts = kinds[host.dataset.kind].split(value);
    return host.columns().map(({ element, scroller, item, values }, i) => {
      const r = element.getBoundingClientRect();
      const height = item.offsetHeight;
      const index = Math.round(scroller.scrollTop / height);
      return { index, goal: values.indexOf(parts[i]), height, x: r.left + r.width / 2, y: r.top + r.height / 2, span: r.height };
    });
  }

  return { mount, columns };
})();
