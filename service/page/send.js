// One recording to the service and back: progress of the upload, the events of the answer, the answer or a Problem.

import { problemOf } from "./words.js";

/**
 * Post a file and follow it. Resolves with the answer; rejects with a Problem, or with an AbortError when `signal`
 * fired. `onUpload(share)` hears how much was sent (0 to 1), `onEvent(name, data)` each event before the last.
 *
 * XMLHttpRequest, because fetch tells nothing about an upload.
 */
export function send(file, { signal, key, onUpload, onEvent }) {
  const form = new FormData();
  form.append("file", file, file.name);
  const xhr = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    let answer = null;
    let wrong = null;
    const read = eventReader((name, data) => {
      if (name === "intent.done") answer = data;
      else if (name === "problem") wrong = data;
      else onEvent(name, data);
    });
    const streams = () => xhr.getResponseHeader("Content-Type")?.startsWith("text/event-stream");
    xhr.upload.onprogress = (event) => { if (event.lengthComputable) onUpload(event.loaded / event.total); };
    xhr.upload.onload = () => onUpload(1);
    xhr.onprogress = () => { if (streams()) read(xhr.responseText); };
    xhr.onload = () => {
      if (streams()) read(xhr.responseText);
      else if (xhr.status === 200) answer = parse(xhr.responseText);
      else wrong = parse(xhr.responseText) ?? {};
      if (answer) resolve(answer);
      else if (wrong) reject(problemOf(wrong.status ?? xhr.status, wrong, wait(xhr.getResponseHeader("Retry-After"))));
      else reject(problemOf(0));
    };
    xhr.onerror = () => reject(problemOf(0));
    xhr.onabort = () => reject(new DOMException("Cancelled", "AbortError"));
    signal.addEventListener("abort", () => xhr.abort(), { once: true });
    xhr.open("POST", "/v1/intent?stream=true");
    if (key) xhr.setRequestHeader("Authorization", `Bearer ${key}`);
    xhr.send(form);
  });
}

/** A reader of server-sent events: give it the text so far, and it tells each complete event once. */
export function eventReader(tell) {
  let done = 0;
  return (text) => {
    for (let end; (end = text.indexOf("\n\n", done)) >= 0; done = end + 2) {
      const fields = { event: "message", data: [] };
      for (const line of text.slice(done, end).split("\n")) {
        const colon = line.indexOf(":");
        if (colon <= 0) continue; // a comment keeps the connection open
        const value = line.slice(colon + 1).replace(/^ /, "");
        if (line.startsWith("data:")) fields.data.push(value);
        else if (line.startsWith("event:")) fields.event = value;
      }
      const data = parse(fields.data.join("\n"));
      if (data !== null) tell(fields.event, data);
    }
  };
}

function wait(header) {
  const seconds = Number.parseInt(header ?? "", 10);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

function parse(text) {
  try { return JSON.parse(text); } catch { return null; }
}

/** What is running, and the limits of a clip; rejects with a Problem. */
export async function version() {
  let response;
  try { response = await fetch("/version"); } catch { throw problemOf(0); }
  if (!response.ok) throw problemOf(response.status, parse(await response.text()));
  return response.json();
}

