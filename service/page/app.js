// The page: choose or drop a recording, send it, show the answer or what went wrong.

const STAGES = {
  upload: "Sending", queue: "Waiting", probe: "Opening", decode: "Decoding", tokens: "Choosing pieces",
  text: "Reading text", encoder: "Watching", decoder: "Answering",
};
const COLOURS = { decode: 1, tokens: 2, encoder: 3, text: 4, decoder: 5, upload: 6 };
const RETRY = new Set([0, 408, 429, 500, 502, 503, 504]);

const $ = (id) => document.getElementById(id);
const main = $("main");
let limits = null;
let request = null;
let clip = null;
let preview = null;

// ---------------------------------------------------------------- words

const seconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
const minutes = (s) => (s % 60 === 0 && s >= 60 ? `${s / 60} minute${s === 60 ? "" : "s"}` : `${s} seconds`);

function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${Math.round(kib)} KiB` : `${(kib / 1024).toFixed(kib < 10240 ? 1 : 0)} MiB`;
}

// ---------------------------------------------------------------- what is shown

function show(part) {
  for (const id of ["work", "problem", "answer"]) $(id).hidden = id !== part;
}

// empty: nothing chosen yet; clip: a recording and what it means; bare: trouble with a file there is nothing to show of.
function setState(state) {
  main.dataset.state = state;
  document.querySelector(".clip").hidden = state !== "clip";
  $("choose").textContent = state === "empty" ? "Choose a recording" : "Another recording";
}

function say(text) { $("status").textContent = text; }

function showClip(file) {
  if (preview) URL.revokeObjectURL(preview);
  preview = URL.createObjectURL(file);
  $("moments").replaceChildren();
  $("clip-name").textContent = file.name;
  $("clip-size").textContent = size(file.size);
  setState("clip");
  const screen = $("screen");
  const none = () => {
    const note = document.createElement("p");
    note.textContent = "This browser cannot play this file. It is read all the same.";
    screen.replaceChildren(note);
  };
  if (file.type === "image/gif") {
    const image = new Image();
    image.alt = "The recording";
    image.onerror = none;
    image.src = preview;
    screen.replaceChildren(image);
    return;
  }
  const video = document.createElement("video");
  Object.assign(video, { controls: true, muted: true, loop: true, playsInline: true });
  video.autoplay = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  video.setAttribute("aria-label", "The recording");
  video.onerror = none;
  video.src = preview;
  screen.replaceChildren(video);
}

function hideClip() {
  $("screen").replaceChildren();
  setState("bare");
}

function showStage(text, share) {
  show("work");
  if ($("stage").textContent !== text) $("stage").textContent = text;
  if (share === null) $("progress").removeAttribute("value");
  else $("progress").value = share;
}

function showProblem(status, problem) {
  show("problem");
  $("problem-title").textContent = problem.title;
  $("problem-detail").textContent = problem.detail;
  $("problem-remedy").textContent = problem.remedy ?? "";
  $("problem-remedy").hidden = !problem.remedy;
  $("again").hidden = !RETRY.has(status);
  say("");
}

function showAnswer(answer) {
  show("answer");
  $("intent").textContent = answer.intent;
  const share = Math.round(answer.confidence * 100);
  $("confidence").style.width = `${share}%`;
  $("confidence").className = share >= 75 ? "good" : share >= 40 ? "fair" : "poor";
  $("sure").textContent = `Confidence ${share} %`;
  $("read").hidden = answer.text.length === 0;
  const lines = answer.text.length;
  $("read-count").textContent = `Read on the screen: ${lines} line${lines === 1 ? "" : "s"}`;
  $("lines").replaceChildren(...answer.text.map((line) => element("li", line)));
  showTimings(answer.timings_ms);
  showMoments(answer.times_s);
  say(`Answer: ${answer.intent} Confidence ${share} percent.`);
}

function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

function showTimings(timings) {
  const { total, ...stages } = timings;
  $("total").textContent = `· ${seconds(total)}`;
  const rows = Object.entries(stages).filter(([, ms]) => ms >= 0.05);
  $("timings").replaceChildren(...rows.map(([name, ms]) => {
    const row = element("div", "", `c${COLOURS[name] ?? 7}`);
    row.append(element("dt", STAGES[name] ?? name), element("dd", seconds(ms)));
    return row;
  }));
  $("bar").replaceChildren(...rows.map(([name, ms]) => {
    const piece = element("i", "", `c${COLOURS[name] ?? 7}`);
    piece.style.flexGrow = ms;
    return piece;
  }));
}

function showMoments(times) {
  const video = $("screen").querySelector("video");
  // A browser's own recordings tell no length in their header.
  const length = video && Number.isFinite(video.duration) ? video.duration : 0;
  const end = Math.max(length, ...times) || 1;
  $("moments").replaceChildren(...times.map((time) => {
    const mark = element("i", "");
    mark.style.left = `${(100 * time) / end}%`;
    return mark;
  }));
}

// ---------------------------------------------------------------- sending

function take(file) {
  if (!file) return;
  if (request) request.abort();
  clip = file;
  if (limits && file.size > limits.max_bytes) {
    hideClip();
    showProblem(413, {
      title: "Clip too large",
      detail: `${file.name} has ${size(file.size)}; at most ${size(limits.max_bytes)} are read.`,
      remedy: "Send a smaller or lower-resolution recording.",
    });
    return;
  }
  showClip(file);
  send(file);
}

function send(file) {
  const form = new FormData();
  form.append("file", file, file.name);
  const xhr = new XMLHttpRequest();
  request = xhr;
  const looking = () => showStage("Watching the recording…", null);
  xhr.upload.onprogress = (event) => {
    if (event.lengthComputable && event.loaded < event.total) showStage("Sending the recording…", event.loaded / event.total);
  };
  xhr.upload.onload = looking;
  xhr.onload = () => {
    request = null;
    const body = parse(xhr.responseText);
    if (xhr.status === 200 && body) showAnswer(body);
    else failed(xhr.status, body);
  };
  xhr.onerror = () => {
    request = null;
    showProblem(0, {
      title: "The service did not answer",
      detail: "It may have been stopped, or the connection was cut.",
      remedy: "See whether it still runs, then try again.",
    });
  };
  xhr.onabort = () => { if (request === xhr) request = null; };
  xhr.open("POST", "/v1/intent");
  showStage("Sending the recording…", 0);
  say("Sending the recording.");
  xhr.send(form);
}

function failed(status, body) {
  // Nothing to play in a file that is no video.
  if (body?.code === "not-a-video") hideClip();
  showProblem(status, body?.title ? body : {
    title: "That did not work",
    detail: `The service answered with status ${status}.`,
    remedy: "Try again in a moment.",
  });
}

function parse(text) {
  try { return JSON.parse(text); } catch { return null; }
}

function start() {
  $("screen").replaceChildren();
  show(null);
  setState("empty");
}

// ---------------------------------------------------------------- choosing

$("file").addEventListener("change", (event) => {
  take(event.target.files[0]);
  event.target.value = "";  // So that the same file can be chosen again.
});
$("cancel").addEventListener("click", () => {
  request?.abort();
  start();
  say("Cancelled.");
  $("file").focus();
});
$("again").addEventListener("click", () => {
  if (main.dataset.state === "bare") showClip(clip);
  send(clip);
});

let inside = 0;
const drags = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragenter", (event) => {
  if (!drags(event)) return;
  inside += 1;
  document.body.classList.add("dragging");
});
addEventListener("dragleave", (event) => {
  if (!drags(event)) return;
  inside -= 1;
  if (inside <= 0) document.body.classList.remove("dragging");
});
addEventListener("dragover", (event) => { if (drags(event)) event.preventDefault(); });
addEventListener("drop", (event) => {
  if (!drags(event)) return;
  event.preventDefault();
  inside = 0;
  document.body.classList.remove("dragging");
  take(event.dataTransfer.files[0]);
});

// ---------------------------------------------------------------- what is running

try {
  const version = await (await fetch("/version")).json();
  limits = version.limits;
  $("bounds").textContent = `mp4, mov, webm, mkv or gif, up to ${size(limits.max_bytes)} and ${minutes(limits.max_seconds)}`;
  $("running").textContent = [version.model && `Model ${version.model}`, `uijepa ${version.uijepa}`].filter(Boolean).join(" · ");
} catch {
  $("running").textContent = "The service does not answer.";
}
