"use strict";
/* Pictures that apps are full of, drawn as SVG from a seed text: the same text gives the same picture. */
const Art = (() => {
  /* A seeded source of chance: `r()` in 0..1, `r.of(list)`, `r.in(low, high)`. */
  function chance(text) {
    let state = 2166136261;
    for (const c of String(text)) state = Math.imul(state ^ c.charCodeAt(0), 16777619) >>> 0;
    const next = () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    next.of = (list) => list[Math.floor(next() * list.length)];
    next.in = (low, high) => low + (high - low) * next();
    next.id = `a${state.toString(36)}`;
    return next;
  }

  const n = (x) => Math.round(x * 10) / 10;
  const hsl = (h, s, l) => `hsl(${Math.round(h)} ${Math.round(s)}% ${Math.round(l)}%)`;
  const fade = (id, from, to, x = 0, y = 1) => `<linearGradient id="${id}" x2="${x}" y2="${y}"><stop stop-color="${from}"/><stop offset="1" stop-color="${to}"/></linearGradient>`;
  const rect = (x, y, w, h, fill, more = "") => `<rect x="${n(x)}" y="${n(y)}" width="${n(w)}" height="${n(h)}" fill="${fill}" ${more}/>`;
  const disc = (x, y, r, fill, more = "") => `<circle cx="${n(x)}" cy="${n(y)}" r="${n(r)}" fill="${fill}" ${more}/>`;
  const path = (d, fill, more = "") => `<path d="${d}" fill="${fill}" ${more}/>`;
  const line = (d, stroke, width, more = "") => `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round" ${more}/>`;

  /* A ridge from left to right about `y`, filled down to the lower edge. */
  function ridge(r, w, h, y, rough, fill) {
    const steps = 9;
    const points = Array.from({ length: steps + 1 }, (_, i) => `${n((i * w) / steps)} ${n(y + r.in(-rough, rough))}`);
    return path(`M0 ${h}L${points.join("L")}L${w} ${h}z`, fill);
  }

  function sky(r, w, h) {
    const [top, low] = r.of([["#3f8fe0", "#cfe6f7"], ["#f2a65a", "#f9e0b0"], ["#22345f", "#e88d7d"], ["#7fb6d9", "#f4f1e6"], ["#53619a", "#d9c7dd"], ["#9fb4c4", "#e3e8ea"]]);
    const sun = disc(r.in(0.15, 0.85) * w, r.in(0.12, 0.38) * h, r.in(0.05, 0.1) * w, "#fff6d8", 'opacity=".9"');
    return `<defs>${fade(r.id, top, low)}</defs>${rect(0, 0, w, h, `url(#${r.id})`)}${sun}`;
  }

  const scenes = {
    hills(r, w, h) {
      const hue = r.in(70, 230);
      const layers = [0.5, 0.64, 0.78].map((y, i) => ridge(r, w, h, y * h, 0.09 * h, hsl(hue, 30, 58 - 15 * i)));
      const trees = Array.from({ length: 16 }, () => {
        const [x, y, s] = [r() * w, r.in(0.8, 0.97) * h, r.in(0.05, 0.1) * h];
        return path(`M${n(x)} ${n(y - s)}l${n(s * 0.4)} ${n(s)}h${n(-s * 0.8)}z`, hsl(hue, 34, r.in(14, 26)));
      });
      return sky(r, w, h) + layers.join("") + trees.join("");
    },
    sea(r, w, h) {
      const waves = Array.from({ length: 14 }, () => {
        const [x, y] = [r() * w, r.in(0.6, 0.95) * h];
        return line(`M${n(x)} ${n(y)}q${n(w * 0.05)} ${n(-h * 0.015)} ${n(w * 0.1)} 0`, "#ffffff", 1.4, 'opacity=".5"');
      });
      const x = r.in(0.25, 0.75) * w;
      const sail = path(`M${n(x)} ${n(0.36 * h)}v${n(0.2 * h)}h${n(0.1 * w)}z`, "#fff") + path(`M${n(x - 0.06 * w)} ${n(0.58 * h)}h${n(0.17 * w)}l${n(-0.03 * w)} ${n(0.04 * h)}h${n(-0.11 * w)}z`, "#8a3b2f");
      return sky(r, w, h) + rect(0, 0.55 * h, w, 0.45 * h, hsl(r.in(185, 215), 55, r.in(30, 45))) + waves.join("") + sail + ridge(r, w, h, 0.93 * h, 0.02 * h, "#e6d3a3");
    },
    city(r, w, h) {
      let towers = "";
      for (let x = -4; x < w; ) {
        const [bw, bh] = [r.in(0.09, 0.18) * w, r.in(0.25, 0.68) * h];
        towers += rect(x, h - bh, bw, bh, hsl(r.in(205, 245), r.in(10, 25), r.in(24, 46)));
        for (let y = h - bh + 6; y < h - 6; y += 11) for (let wx = x + 4; wx < x + bw - 6; wx += 9) if (r() < 0.45) towers += rect(wx, y, 4, 5, "#ffe9a8", 'opacity=".85"');
        x += bw + r.in(0, 0.02) * w;
      }
      return sky(r, w, h) + towers;
    },
    flower(r, w, h) {
      const hue = r.in(0, 360);
      const blooms = Array.from({ length: 6 }, () => {
        const [x, y, s] = [r() * w, r.in(0.2, 0.85) * h, r.in(0.06, 0.14) * w];
        const petals = Array.from({ length: 7 }, (_, i) => disc(x + s * Math.cos(i * 0.9), y + s * Math.sin(i * 0.9), s * 0.55, hsl(hue + r.in(-20, 20), 75, r.in(58, 74))));
        return line(`M${n(x)} ${n(y)}Q${n(x + 8)} ${n(y + 30)} ${n(x - 4)} ${h}`, "#2f6b3a", 3) + petals.join("") + disc(x, y, s * 0.5, "#f7c948");
      });
      return `<defs>${fade(r.id, "#9fcf8a", "#356b43")}</defs>${rect(0, 0, w, h, `url(#${r.id})`)}${blooms.join("")}`;
    },
    pet(r, w, h) {
      const fur = r.of(["#b98555", "#5a4a42", "#d9b88f", "#8a8f98", "#efe6da"]);
      const [x, y, s] = [w / 2, h * 0.55, Math.min(w, h) * 0.3];
      const ear = (side) => path(`M${n(x + side * s * 0.95)} ${n(y - s * 0.2)}L${n(x + side * s * 0.75)} ${n(y - s * 1.25)}L${n(x + side * s * 0.15)} ${n(y - s * 0.85)}z`, fur);
      const eye = (side) => disc(x + side * s * 0.38, y - s * 0.1, s * 0.13, "#1c1c1c") + disc(x + side * s * 0.42, y - s * 0.15, s * 0.04, "#fff");
      return rect(0, 0, w, h, hsl(r.in(0, 360), 32, 72)) + rect(0, h * 0.82, w, h * 0.2, hsl(r.in(20, 40), 30, 48)) + path(`M${n(x - s * 1.1)} ${h}Q${n(x)} ${n(y - s * 0.1)} ${n(x + s * 1.1)} ${h}z`, fur) + ear(-1) + ear(1) + disc(x, y, s, fur) + eye(-1) + eye(1) + path(`M${n(x - s * 0.12)} ${n(y + s * 0.2)}h${n(s * 0.24)}l${n(-s * 0.12)} ${n(s * 0.14)}z`, "#3a2a28");
    },
    people(r, w, h) {
      const count = r.of([1, 2, 2, 3]);
      const heads = Array.from({ length: count }, (_, i) => {
        const x = (w * (i + 1)) / (count + 1);
        const s = Math.min(w, h) * 0.13;
        const [skin, hair, shirt] = [r.of(["#f1c9a5", "#c98f62", "#8d5a3a", "#e6b58d"]), r.of(["#2b1d14", "#6b4423", "#c9a25a", "#111"]), hsl(r.in(0, 360), 55, r.in(40, 62))];
        return path(`M${n(x - s * 2)} ${h}Q${n(x)} ${n(h * 0.42)} ${n(x + s * 2)} ${h}z`, shirt) + disc(x, h * 0.46, s * 1.16, hair) + disc(x, h * 0.49, s, skin) + disc(x - s * 0.35, h * 0.48, s * 0.1, "#222") + disc(x + s * 0.35, h * 0.48, s * 0.1, "#222") + line(`M${n(x - s * 0.3)} ${n(h * 0.52)}q${n(s * 0.3)} ${n(s * 0.3)} ${n(s * 0.6)} 0`, "#7a2f2f", 2);
      });
      return sky(r, w, h) + ridge(r, w, h, 0.6 * h, 0.05 * h, hsl(r.in(80, 150), 35, 45)) + heads.join("");
    },
  };

  function dish(r, w, h) {
    const [x, y, s] = [w / 2, h / 2, Math.min(w, h) * 0.42];
    const bits = Array.from({ length: 26 }, () => {
      const [a, d] = [r.in(0, 6.3), Math.sqrt(r()) * s * 0.62];
      const [px, py, q] = [x + d * Math.cos(a), y + d * Math.sin(a), s * r.in(0.07, 0.17)];
      return `<ellipse cx="${n(px)}" cy="${n(py)}" rx="${n(q)}" ry="${n(q * r.in(0.5, 1))}" fill="${r.of(["#c0392b", "#e67e22", "#f4c95d", "#5d8a3a", "#8fb85a", "#7a4a24", "#f2e3c6", "#a6382f"])}" transform="rotate(${Math.round(r.in(0, 180))} ${n(px)} ${n(py)})"/>`;
    });
    return rect(0, 0, w, h, r.of(["#7c5a43", "#d9cfc1", "#3e4a52", "#b98d63", "#54705e"])) + disc(x, y + 3, s, "#00000033") + disc(x, y, s, "#f7f5f0") + disc(x, y, s * 0.8, r.of(["#efe7d6", "#e9c46a", "#d98e4a", "#fff7e8"])) + bits.join("");
  }

  function room(r, w, h) {
    const hue = r.in(0, 360);
    const wall = rect(0, 0, w, h, hsl(hue, 22, 82)) + rect(0, h * 0.72, w, h * 0.28, hsl(30, 30, r.in(36, 60)));
    const pane = rect(w * 0.08, h * 0.12, w * 0.26, h * 0.38, "#bfe0f2", 'stroke="#fff" stroke-width="4"') + line(`M${n(w * 0.21)} ${n(h * 0.12)}v${n(h * 0.38)}`, "#fff", 3);
    const bed = rect(w * 0.4, h * 0.42, w * 0.52, h * 0.2, hsl(hue + 180, 24, 38), 'rx="6"') + rect(w * 0.4, h * 0.58, w * 0.52, h * 0.26, "#f6f3ee", 'rx="6"') + rect(w * 0.4, h * 0.68, w * 0.52, h * 0.17, hsl(hue + r.in(20, 60), 45, 52), 'rx="6"') + rect(w * 0.45, h * 0.52, w * 0.17, h * 0.1, "#fff", 'rx="6"') + rect(w * 0.69, h * 0.52, w * 0.17, h * 0.1, "#fff", 'rx="6"');
    return wall + pane + bed + line(`M${n(w * 0.2)} ${n(h * 0.9)}v${n(-h * 0.3)}`, "#444", 3) + path(`M${n(w * 0.14)} ${n(h * 0.62)}h${n(w * 0.12)}l${n(-w * 0.03)} ${n(-h * 0.1)}h${n(-w * 0.06)}z`, "#ffe2a1");
  }

  function product(r, w, h) {
    const [tone, x, y, s] = [hsl(r.in(0, 360), r.in(25, 60), r.in(32, 58)), w / 2, h / 2, Math.min(w, h) * 0.3];
    const dark = "#00000040";
    const shape = r.of([
      () => rect(x - s * 0.7, y - s * 0.5, s * 1.4, s * 1.4, tone, `rx="${n(s * 0.3)}"`) + line(`M${n(x - s * 0.35)} ${n(y - s * 0.5)}v${n(-s * 0.2)}q${n(s * 0.35)} ${n(-s * 0.5)} ${n(s * 0.7)} 0v${n(s * 0.2)}`, tone, s * 0.14) + rect(x - s * 0.45, y + s * 0.2, s * 0.9, s * 0.45, dark, 'rx="6"'),
      () => path(`M${n(x - s * 1.1)} ${n(y + s * 0.5)}v${n(-s * 0.8)}h${n(s * 0.5)}q${n(s * 0.6)} ${n(s * 0.6)} ${n(s * 1.5)} ${n(s * 0.6)}q${n(s * 0.3)} 0 ${n(s * 0.3)} ${n(s * 0.2)}z`, tone) + rect(x - s * 1.1, y + s * 0.45, s * 2.3, s * 0.2, "#fff", 'rx="4" stroke="#bbb"'),
      () => rect(x - s * 0.6, y - s * 0.6, s * 1.1, s * 1.3, tone, 'rx="10"') + line(`M${n(x + s * 0.5)} ${n(y - s * 0.3)}q${n(s * 0.7)} ${n(s * 0.3)} 0 ${n(s * 0.8)}`, tone, s * 0.16) + rect(x - s * 0.45, y - s * 0.45, s * 0.15, s, "#ffffff55", 'rx="4"'),
      () => line(`M${n(x - s)} ${n(y + s * 0.2)}a${n(s)} ${n(s)} 0 0 1 ${n(2 * s)} 0`, tone, s * 0.2) + rect(x - s * 1.2, y + s * 0.1, s * 0.45, s * 0.8, tone, `rx="${n(s * 0.2)}"`) + rect(x + s * 0.75, y + s * 0.1, s * 0.45, s * 0.8, tone, `rx="${n(s * 0.2)}"`),
      () => path(`M${n(x - s * 0.8)} ${n(y)}l${n(s * 0.35)} ${n(-s * 0.8)}h${n(s * 0.9)}l${n(s * 0.35)} ${n(s * 0.8)}z`, tone) + line(`M${n(x)} ${n(y)}v${n(s)}`, "#666", s * 0.1) + rect(x - s * 0.5, y + s * 0.95, s, s * 0.14, "#666", 'rx="4"'),
      () => disc(x, y, s * 0.75, "#f4f4f2", `stroke="${tone}" stroke-width="${n(s * 0.2)}"`) + line(`M${n(x)} ${n(y - s * 0.45)}V${n(y)}l${n(s * 0.3)} ${n(s * 0.2)}`, "#333", s * 0.08),
      () => path(`M${n(x - s * 0.45)} ${n(y - s * 0.8)}h${n(s * 0.9)}l${n(s * 0.7)} ${n(s * 0.5)}l${n(-s * 0.3)} ${n(s * 0.35)}l${n(-s * 0.3)} ${n(-s * 0.15)}v${n(s * 1.1)}h${n(-s * 1.1)}v${n(-s * 1.1)}l${n(-s * 0.3)} ${n(s * 0.15)}l${n(-s * 0.3)} ${n(-s * 0.35)}z`, tone),
    ]);
    return rect(0, 0, w, h, hsl(r.in(0, 360), 18, 91)) + `<ellipse cx="${n(x)}" cy="${n(y + s * 1.15)}" rx="${n(s)}" ry="${n(s * 0.12)}" fill="#0002"/>` + shape();
  }

  function cover(r, w, h) {
    const hue = r.in(0, 360);
    const tones = [hsl(hue, 62, 46), hsl(hue + r.in(30, 90), 70, 60), hsl(hue + r.in(150, 210), 55, 72), hsl(hue, 45, 18)];
    const ground = `<defs>${fade(r.id, tones[0], tones[3], 1, 1)}</defs>${rect(0, 0, w, h, `url(#${r.id})`)}`;
    const look = r.of([
      () => [0.42, 0.3, 0.18].map((s, i) => disc(w / 2, h / 2, s * w, tones[(i + 1) % 4])).join(""),
      () => Array.from({ length: 6 }, (_, i) => rect(0, (i * h) / 6, w * r.in(0.3, 1), h / 9, tones[1 + (i % 2)])).join(""),
      () => Array.from({ length: 9 }, () => path(`M${n(r() * w)} ${n(r() * h)}L${n(r() * w)} ${n(r() * h)}L${n(r() * w)} ${n(r() * h)}z`, r.of(tones), 'opacity=".8"')).join(""),
      () => ridge(r, w, h, 0.6 * h, 0.14 * h, tones[3]) + disc(w * 0.66, h * 0.34, w * 0.16, tones[2]) + ridge(r, w, h, 0.8 * h, 0.06 * h, tones[1]),
      () => Array.from({ length: 7 }, (_, i) => line(`M0 ${n(h * (0.2 + 0.1 * i))}Q${n(w * 0.3)} ${n(h * r.in(0, 0.4) + h * 0.1 * i)} ${n(w)} ${n(h * (0.15 + 0.1 * i))}`, tones[1 + (i % 2)], w * 0.02)).join(""),
    ]);
    return ground + look();
  }

  /* Streets about a place; `more.route` draws a way, `more.pins` marks. */
  function map(r, w, h, more) {
    const night = more.dark;
    const [land, green, water, road, big, block] = night ? ["#242a35", "#22402f", "#17303f", "#3b4352", "#5a6070", "#2b3240"] : ["#eef0ea", "#c7e6b4", "#a8d5ee", "#ffffff", "#fbe08d", "#e2e5e0"];
    let out = rect(0, 0, w, h, land);
    out += path(`M${n(-10)} ${n(r.in(0.6, 0.9) * h)}Q${n(0.4 * w)} ${n(r.in(0.5, 1) * h)} ${n(w + 10)} ${n(r.in(0.75, 1.05) * h)}V${h + 10}H-10z`, water);
    for (let i = 0; i < 3; i++) out += rect(r() * w, r() * h * 0.7, r.in(0.15, 0.3) * w, r.in(0.1, 0.2) * h, green, 'rx="10"');
    for (let i = 0; i < 16; i++) out += rect(r() * w, r() * h * 0.75, r.in(14, 38), r.in(12, 30), block, 'rx="3"');
    const tilt = r.in(-14, 14);
    let streets = "";
    for (let x = -0.4 * w; x < 1.4 * w; x += r.in(34, 62)) streets += line(`M${n(x)} ${n(-0.4 * h)}V${n(1.4 * h)}`, road, r.of([3, 4, 6]));
    for (let y = -0.4 * h; y < 1.4 * h; y += r.in(34, 62)) streets += line(`M${n(-0.4 * w)} ${n(y)}H${n(1.4 * w)}`, road, r.of([3, 4, 6]));
    out += `<g transform="rotate(${n(tilt)} ${n(w / 2)} ${n(h / 2)})">${streets}</g>`;
    out += line(`M${n(-5)} ${n(r.in(0.1, 0.5) * h)}Q${n(w * 0.5)} ${n(r.in(0.2, 0.7) * h)} ${n(w + 5)} ${n(r.in(0.1, 0.6) * h)}`, big, 9);
    const end = [r.in(0.55, 0.85) * w, r.in(0.2, 0.4) * h];
    if (more.route) {
      const way = `M${n(0.2 * w)} ${n(0.78 * h)}L${n(0.2 * w + 20)} ${n(0.55 * h)}L${n(0.5 * w)} ${n(0.5 * h)}L${n(end[0] - 14)} ${n(end[1] + 30)}L${n(end[0])} ${n(end[1])}`;
      out += line(way, "#1a56c4", 8) + line(way, "#4a8cff", 5) + disc(0.2 * w, 0.78 * h, 8, "#fff", 'stroke="#4a8cff" stroke-width="4"');
    } else out += disc(0.45 * w, 0.6 * h, 22, "#4a8cff33") + disc(0.45 * w, 0.6 * h, 8, "#3478f6", 'stroke="#fff" stroke-width="3"');
    const spots = more.pins ? Array.from({ length: more.pins }, () => [r.in(0.12, 0.88) * w, r.in(0.15, 0.75) * h]) : [end];
    for (const [x, y] of spots) out += path(`M${n(x)} ${n(y)}c-3-9-11-12-11-21a11 11 0 0 1 22 0c0 9-8 12-11 21z`, "#ea4335") + disc(x, y - 21, 4, "#fff");
    return out;
  }

  function bars(r, w, h, more) {
    const tone = more.accent;
    return Array.from({ length: 7 }, (_, i) => {
      const tall = r.in(0.2, 0.85) * h;
      return rect((i + 0.22) * (w / 7), h - 8 - tall, (w / 7) * 0.56, tall, tone, `rx="5" opacity="${i === 6 ? 1 : 0.45}"`);
    }).join("") + line(`M0 ${n(h - 6)}H${w}`, "#8884", 1);
  }

  function curve(r, w, h, more) {
    let y = r.in(0.4, 0.7) * h;
    const points = Array.from({ length: 15 }, (_, i) => `${n((i * w) / 14)} ${n((y = Math.min(0.9 * h, Math.max(0.1 * h, y + r.in(-0.16, 0.14) * h))))}`);
    return path(`M0 ${h}L${points.join("L")}L${w} ${h}z`, more.accent, 'opacity=".16"') + line(`M${points.join("L")}`, more.accent, 3);
  }

  const photo = (r, w, h) => r.of(Object.values(scenes))(r, w, h);
  const scene = (r, w, h) => r.of([scenes.hills, scenes.sea, scenes.city])(r, w, h);
  const kinds = { photo, scene, dish, room, product, cover, map, bars, curve };

  /* SVG of `kind`; `ratio` is width / height, `more` {route, pins, dark, accent}. */
  function draw(kind, seed, ratio = 1, more = {}) {
    const [w, h] = [360, Math.round(360 / ratio)];
    const r = chance(`${kind} ${seed}`);
    return `<svg class="art" viewBox="0 0 ${w} ${h}" preserveAspectRatio="xMidYMid slice" aria-hidden="true">${kinds[kind](r, w, h, more)}</svg>`;
  }

  return { draw, kinds: Object.keys(kinds) };
})();
