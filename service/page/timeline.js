// The moments that were looked at: pictures in a row, each tied to its place on a time bar.

import { clock, counted } from "./words.js";
import { make } from "./make.js";

const PICTURE = 160; // px, the longer side, drawn at twice the size for sharp screens
const SEEK_MS = 20_000;
const SVG = "http://www.w3.org/2000/svg";

/**
 * Draw the timeline of an answer into the page. `video` is the player, or null when this browser cannot play the
 * clip: then the moments stand on the bar without pictures. `signal` ends the drawing when another clip is shown.
 */
export async function drawTimeline({ section, title, reel, times, url, video, signal }) {
  section.hidden = times.length === 0;
  title.textContent = `Looked at ${counted(times.length, "moment")}`;
  reel.replaceChildren();
  if (!times.length) return;
  const film = video && await openFilm(url, signal);
  if (signal.aborted) return;
  const end = Math.max(film ? film.length : 0, ...times) || 1;
  const moments = times.map((time, index) => moment(time, index, times.length, video));
  const bar = timeBar(times, end);
  reel.classList.toggle("bare", !film);
  reel.style.setProperty("--count", times.length);
  if (film) {
    reel.style.setProperty("--ratio", film.ratio);
    reel.classList.toggle("wide", film.ratio > 0.9);
    reel.append(row(moments), leaders(times, end));
    follow(video, times, moments, bar, end, signal);
  }
  reel.append(bar.node, ends(end));
  if (film) await film.draw(times, (index, canvas) => moments[index].firstChild.replaceChildren(canvas));
}

function moment(time, index, count, video) {
  const button = make("button", { type: "button", className: "moment", tabIndex: index ? -1 : 0 });
  button.setAttribute("aria-label", `${time.toFixed(1)} s, moment ${index + 1} of ${count}`);
  button.append(make("span", { className: "picture" }), make("span", { className: "at", textContent: `${time.toFixed(1)} s` }));
  button.addEventListener("click", () => {
    video.pause();
    video.currentTime = time + 0.001;
  });
  return button;
}

// One stop of the Tab key; the arrow keys go through the moments.
function row(moments) {
  const node = make("div", { className: "row" }, ...moments);
  node.setAttribute("role", "toolbar");
  node.setAttribute("aria-label", "Moments that were looked at");
  node.addEventListener("keydown", (event) => {
    const at = moments.indexOf(document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: moments.length - 1 }[event.key];
    if (to === undefined || !moments[to]) return;
    event.preventDefault();
    moments[at].tabIndex = -1;
    moments[to].tabIndex = 0;
    moments[to].focus();
    moments[to].click();
  });
  return node;
}

function leaders(times, end) {
  const svg = document.createElementNS(SVG, "svg");
  const set = (node, values) => { for (const [name, value] of Object.entries(values)) node.setAttribute(name, value); };
  set(svg, { viewBox: "0 0 100 100", preserveAspectRatio: "none", class: "leaders", "aria-hidden": "true" });
  times.forEach((time, index) => {
    const [from, to] = [(100 * (index + 0.5)) / times.length, (100 * time) / end];
    const path = document.createElementNS(SVG, "path");
    set(path, { d: `M${from} 0C${from} 60 ${to} 40 ${to} 100`, "vector-effect": "non-scaling-stroke" });
    svg.append(path);
  });
  return svg;
}

function timeBar(times, end) {
  const head = make("b", { className: "head", hidden: true });
  const node = make("div", { className: "time-bar" }, ...times.map((time) => {
    const mark = make("i");
    mark.style.left = `${(100 * time) / end}%`;
    return mark;
  }), head);
  node.setAttribute("aria-hidden", "true");
  return { node, head };
}

function ends(end) {
  const node = make("div", { className: "ends" }, make("span", { textContent: "0:00" }), make("span", { textContent: clock(Math.round(end)) }));
  node.setAttribute("aria-hidden", "true");
  return node;
}

// The player's place on the bar, and the moment it is at.
function follow(video, times, moments, { head }, end, signal) {
  const place = () => {
    head.hidden = false;
    head.style.left = `${Math.min(100, (100 * video.currentTime) / end)}%`;
    const now = times.findLastIndex((time) => time <= video.currentTime + 0.05);
    moments.forEach((node, index) => node.toggleAttribute("data-now", index === now));
  };
  for (const name of ["timeupdate", "seeked"]) video.addEventListener(name, place, { signal });
  place();
}

/** The clip in a player of its own, so that drawing pictures does not disturb the one that is watched. */
async function openFilm(url, signal) {
  const film = make("video", { muted: true, playsInline: true, preload: "auto" });
  film.src = url;
  if (!await happens(film, "loadeddata", signal) || !film.videoWidth) return null;
  if (!Number.isFinite(film.duration)) {
    // A browser's own recordings tell no length in their header; the player finds it on its way to the end.
    film.currentTime = 1e7;
    await happens(film, "seeked", signal);
  }
  const scale = (2 * PICTURE) / Math.max(film.videoWidth, film.videoHeight);
  return {
    length: Number.isFinite(film.duration) ? film.duration : 0,
    ratio: film.videoWidth / film.videoHeight,
    async draw(times, show) {
      for (const [index, time] of times.entries()) {
        film.currentTime = time + 0.001;
        if (!await happens(film, "seeked", signal)) break;
        const canvas = make("canvas", { width: film.videoWidth * scale, height: film.videoHeight * scale });
        canvas.getContext("2d").drawImage(film, 0, 0, canvas.width, canvas.height);
        show(index, canvas);
      }
      film.removeAttribute("src");
      film.load();
    },
  };
}

/** Whether an event comes in time, and before an error or `signal`. */
function happens(node, name, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(false);
    const timer = setTimeout(() => resolve(false), SEEK_MS);
    const end = (came) => () => { clearTimeout(timer); resolve(came); };
    node.addEventListener(name, end(true), { once: true });
    node.addEventListener("error", end(false), { once: true });
    signal.addEventListener("abort", end(false), { once: true });
  });
}
