// What is shown. Every function draws from its arguments alone; what happens next is app.js's business.

import { make } from "./make.js";
import { STAGES, clock, counted, milliseconds, size } from "./words.js";

// What the service tells while it works; the other stages are too short to be seen.
const STEPS = ["upload", "queue", "decode", "text", "encoder", "decoder"];
const COLOURS = { decode: 1, tokens: 2, encoder: 3, text: 4, decoder: 5, upload: 6 };

export const $ = (id) => document.getElementById(id);

/** Tell a screen reader, without moving anything. */
export function say(text) { $("status").textContent = text; }

/**
 * The page as a whole. empty: nothing given yet; record: the screen is being recorded; clip: a recording and what
 * it means; bare: trouble with something there is nothing to show of.
 */
export function setState(state) {
  $("main").dataset.state = state;
  $("recorder").hidden = state !== "record";
  document.querySelector(".pick").hidden = state === "record";
  document.querySelector(".clip").hidden = state !== "clip";
  document.querySelector(".example").hidden = state !== "empty";
  $("choose").textContent = state === "empty" ? "Choose a recording" : "Another recording";
}

/** One part of the outcome, or none. The focus moves to `heading` when it stood on what is no longer shown. */
export function showPart(part, heading) {
  const active = document.activeElement;
  for (const id of ["work", "problem", "answer"]) $(id).hidden = id !== part;
  if (part !== "answer") $("timeline").hidden = true;
  if (heading && active !== document.body && !active.checkVisibility()) heading.focus({ preventScroll: true });
}

/** The recording itself. Returns its player, or null when it is a picture. `url` is its address in this tab. */
export function showClip(file, url) {
  setState("clip");
  $("clip-name").textContent = file.name;
  $("clip-size").textContent = size(file.size);
  const none = () => $("screen").replaceChildren(
    make("p", { textContent: "This browser cannot play this file. It is read all the same." }),
  );
  if (file.type === "image/gif") {
    $("screen").replaceChildren(make("img", { alt: "The recording", onerror: none, src: url }));
    return null;
  }
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const video = make("video", {
    controls: true, muted: true, loop: true, playsInline: true, autoplay: !still, onerror: none, src: url,
  });
  video.setAttribute("aria-label", "The recording");
  $("screen").replaceChildren(video);
  return video;
}

export function hideClip() {
  $("screen").replaceChildren();
  setState("bare");
}

// ---------------------------------------------------------------- while it is under way

/** `share` is how far this stage is (0 to 1), or null; `stage` marks its place among the steps. */
export function showStage(text, { share = null, stage = "" } = {}) {
  if ($("work").hidden) {
    showPart("work", $("stage"));
    $("draft").textContent = "";
    $("steps").replaceChildren(...STEPS.map((name) => {
      const step = make("li", { textContent: STAGES[name] });
      step.dataset.stage = name;
      return step;
    }));
  }
  if ($("stage").textContent !== text) $("stage").textContent = text;
  if (share === null) $("progress").removeAttribute("value");
  else $("progress").value = share;
  const steps = [...$("steps").children];
  const at = steps.findIndex((step) => step.dataset.stage === stage);
  steps.forEach((step, index) => {
    step.classList.toggle("done", index < at);
    step.classList.toggle("now", index === at);
  });
}

/** The words of an answer as they come. */
export function showDraft(text) { $("draft").textContent = text; }

/** How long the screen has been recorded; the tab says it too, because another one is being looked at. */
export function showElapsed(seconds) {
  $("elapsed").textContent = clock(seconds);
  document.title = `● ${clock(seconds)} · recording`;
}

// ---------------------------------------------------------------- what came of it

export function showProblem(problem) {
  const asksKey = problem.status === 401;
  $("key-form").hidden = !asksKey;
  $("key").value = "";
  showPart("problem", asksKey ? $("key") : $("problem"));
  $("problem-title").textContent = problem.title;
  $("problem-detail").textContent = problem.detail;
  $("problem-remedy").textContent = problem.remedy;
  $("problem-remedy").hidden = !problem.remedy;
  $("again").hidden = !problem.passing;
  showWait("");
  say("");
}

export function showWait(text) { $("wait").textContent = text; }

// A model may have nothing to say about a clip.
const sentence = ({ intent }) => intent || "I cannot tell.";

export function showAnswer(answer) {
  showPart("answer", $("intent"));
  const intent = sentence(answer);
  $("intent").textContent = intent;
  const share = Math.round(answer.confidence * 100);
  $("confidence").style.width = `${share}%`;
  $("confidence").className = share >= 60 ? "good" : share >= 20 ? "fair" : "poor";
  $("sure").textContent = `${share} % sure`;
  $("copy").textContent = "Copy";
  $("read").hidden = answer.text.length === 0;
  $("read-count").textContent = `Read on the screen: ${counted(answer.text.length, "line")}`;
  $("lines").replaceChildren(...answer.text.map((line) => make("li", { textContent: line })));
  // A small screen shows what follows first.
  $("time").open = matchMedia("(min-width: 40rem)").matches;
  showTimings(answer.timings_ms);
  say(`Answer: ${intent} ${share} percent sure.`);
}

function showTimings({ total, ...stages }) {
  $("total").textContent = `· ${milliseconds(total)}`;
  const rows = Object.entries(stages).filter(([, ms]) => ms >= 0.5);
  const colour = (name) => `c${COLOURS[name] ?? 7}`;
  $("timings").replaceChildren(...rows.map(([name, ms]) => make(
    "div", { className: colour(name) },
    make("dt", { textContent: STAGES[name] ?? name }), make("dd", { textContent: milliseconds(ms) }),
  )));
  $("bar").replaceChildren(...rows.map(([name, ms]) => {
    const piece = make("i", { className: colour(name) });
    piece.style.flexGrow = ms;
    return piece;
  }));
}

/** The answers of this tab, newest first, unless there is only the one shown; `open(entry)` shows one again. */
export function showPast(entries, current, open) {
  $("past").hidden = entries.every((entry) => entry === current);
  $("past-list").replaceChildren(...entries.map((entry) => {
    const button = make(
      "button", { type: "button", className: "past-entry", onclick: () => open(entry) },
      make("span", { className: "past-intent", textContent: sentence(entry.answer) }),
      make("span", { className: "past-name", textContent: entry.file.name }),
    );
    if (entry === current) button.setAttribute("aria-current", "true");
    return make("li", {}, button);
  }));
}
