// The page: a recording is chosen, dropped, pasted or made; it is sent; the answer or what went wrong is shown.

import { canRecord, recordScreen } from "./record.js";
import { send, version } from "./send.js";
import { drawTimeline } from "./timeline.js";
import {
  $, hideClip, say, setState, showAnswer, showClip, showDraft, showElapsed, showPart, showPast, showProblem, showStage,
  showWait,
} from "./view.js";
import { NOTHING_RECORDED, Problem, STAGES, counted, minutes, problemOfSharing, problemOfSize, size } from "./words.js";

const TITLE = document.title;
const REMEMBERED = 12;
const TRIES = 5;

let limits = { max_bytes: Infinity, max_seconds: 600 };
let key = "";
let past = []; // { file, answer }: in memory only, gone with the tab
let recording = null; // true while the browser asks what to share, then what recordScreen gave
let retry = 0; // timer of the next try
let clip = null; // { file, url, video, end }: what is shown; `end` aborts whatever is still done for it

// ---------------------------------------------------------------- one clip from here to its answer

function open(file) {
  close();
  const end = new AbortController();
  const url = URL.createObjectURL(file);
  clip = { file, url, end, video: showClip(file, url) };
  return clip;
}

function close() {
  clip?.end.abort();
  if (clip) URL.revokeObjectURL(clip.url);
  clip = null;
}

function take(file) {
  if (!file || recording) return;
  if (file.size > limits.max_bytes) {
    close();
    hideClip();
    trouble(problemOfSize(file, limits.max_bytes));
    return;
  }
  ask(open(file));
}

async function ask(shown, tries = TRIES) {
  clearTimeout(retry);
  const { file, end: { signal } } = shown;
  showPart(null);
  showStage("Sending the recording…", { share: 0, stage: "upload" });
  say("Sending the recording.");
  try {
    const answer = await send(file, { signal, key, onUpload: uploaded, onEvent: teller() });
    past = [{ file, answer }, ...past.filter((entry) => entry.file !== file)].slice(0, REMEMBERED);
    answered(shown, answer);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    if (!(problem instanceof Problem)) throw problem;
    failed(shown, problem, tries);
  }
}

function uploaded(share) {
  if (share < 1) showStage("Sending the recording…", { share, stage: "upload" });
  else showStage("Watching the recording…");
}

// What the service tells while it works.
function teller() {
  let draft = "";
  return (name, data) => {
    if (name === "intent.queued") {
      if (!data.ahead) return;
      const waits = `Waiting: ${counted(data.ahead, "recording")} ahead…`;
      showStage(waits, { stage: "queue" });
      say(waits);
    } else if (name === "intent.stage") {
      showStage(`${STAGES[data.stage] ?? "Working"}…`, { stage: data.stage });
    } else if (name === "intent.delta") {
      draft += data.text;
      showDraft(draft);
    }
  };
}

function answered({ url, video, end }, answer) {
  showAnswer(answer);
  showPast(past, past.find((entry) => entry.answer === answer), reopen);
  drawTimeline({
    section: $("timeline"), title: $("timeline-title"), reel: $("reel"),
    times: answer.times_s, url, video, signal: end.signal,
  });
}

function reopen({ file, answer }) {
  answered(open(file), answer);
  scrollTo({ top: 0 });
  $("intent").focus({ preventScroll: true });
}

function failed(shown, problem, tries) {
  // Nothing to play in a file that is no video.
  if (problem.code === "not-a-video") hideClip();
  if (problem.status === 401) key = "";
  trouble(problem);
  if (problem.passing && problem.retryAfter && tries > 0) tryAgainIn(problem.retryAfter, shown, tries);
}

function trouble(problem) {
  showProblem(problem);
  showPast(past, null, reopen);
}

// The service said when to come again; whoever waits need not press anything.
function tryAgainIn(seconds, shown, tries) {
  const { signal } = shown.end;
  const count = (left) => {
    if (signal.aborted) return;
    if (left <= 0) ask(shown, tries - 1);
    else {
      showWait(`or wait: it is tried again in ${left} s`);
      retry = setTimeout(count, 1000, left - 1);
    }
  };
  count(seconds);
}

function start() {
  close();
  showPart(null);
  $("screen").replaceChildren();
  setState("empty");
  showPast(past, null, reopen);
}

// ---------------------------------------------------------------- recording the screen

async function record() {
  if (recording) return;
  recording = true;
  let made;
  try {
    made = await recordScreen({ maxBytes: Math.min(limits.max_bytes, 2 ** 30), maxSeconds: limits.max_seconds });
  } catch (error) {
    recording = null;
    refused(problemOfSharing(error));
    return;
  }
  recording = made;
  close();
  showPart(null);
  setState("record");
  $("live").srcObject = made.stream;
  $("finish").focus();
  say("Recording.");
  const tick = () => showElapsed((Date.now() - made.began) / 1000);
  const ticking = setInterval(tick, 500);
  tick();
  const ended = await made.file.catch((error) => problemOfSharing(error));
  clearInterval(ticking);
  recording = null;
  $("live").srcObject = null;
  document.title = TITLE;
  recorded(ended);
}

function recorded(file) {
  if (file === null) {
    start();
    say("Discarded.");
    $("record").focus();
  } else if (file.size) {
    take(file);
  } else refused(file instanceof File ? NOTHING_RECORDED : file);
}

// There is no recording, and so nothing to show or to send again.
function refused(problem) {
  close();
  hideClip();
  trouble(problem);
  $("record").focus();
}

// ---------------------------------------------------------------- what can be pressed, dropped and pasted

$("file").addEventListener("change", (event) => {
  take(event.target.files[0]);
  event.target.value = "";  // So that the same file can be chosen again.
});
$("record").hidden = !canRecord;
$("record").addEventListener("click", record);
$("finish").addEventListener("click", () => recording.finish());
$("discard").addEventListener("click", () => recording.discard());
$("cancel").addEventListener("click", () => {
  start();
  say("Cancelled.");
  $("file").focus();
});
$("again").addEventListener("click", () => ask(clip));
$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  key = $("key").value.trim();
  ask(clip);
});
$("copy").hidden = !navigator.clipboard;
$("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText($("intent").textContent);
  $("copy").textContent = "Copied";
  say("Copied.");
});
$("forget").addEventListener("click", () => {
  past = [];
  showPast(past, null, reopen);
  say("Forgotten.");
  $("file").focus();
});
$("example").addEventListener("click", async () => {
  const response = await fetch("/page/example.mp4");
  take(new File([await response.blob()], "example.mp4", { type: "video/mp4" }));
});

let inside = 0;
const drags = (event) => event.dataTransfer?.types.includes("Files");
const drag = (by) => {
  inside = by ? inside + by : 0;
  document.body.classList.toggle("dragging", inside > 0);
};
addEventListener("dragenter", (event) => { if (drags(event)) drag(1); });
addEventListener("dragleave", (event) => { if (drags(event)) drag(-1); });
addEventListener("dragover", (event) => { if (drags(event)) event.preventDefault(); });
addEventListener("drop", (event) => {
  if (!drags(event)) return;
  event.preventDefault();
  drag(0);
  take(event.dataTransfer.files[0]);
});
addEventListener("paste", (event) => take(event.clipboardData.files[0]));

// ---------------------------------------------------------------- what is running

try {
  const running = await version();
  limits = running.limits;
  $("bounds").textContent = `mp4, mov, webm, mkv or gif, up to ${size(limits.max_bytes)} and ${minutes(limits.max_seconds)}`;
  $("running").textContent = [running.model && `Model ${running.model}`, `uijepa ${running.uijepa}`].filter(Boolean).join(" · ");
} catch {
  $("running").textContent = "The service does not answer.";
}
