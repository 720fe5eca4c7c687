// How the page says things: sizes, times, stages, and problems that the service itself could not put into words.

export const STAGES = {
  upload: "Sending", queue: "Waiting", probe: "Opening", decode: "Decoding", tokens: "Choosing pieces",
  text: "Reading text", encoder: "Watching", decoder: "Answering",
};

export const milliseconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
export const minutes = (s) => (s % 60 === 0 && s >= 60 ? `${s / 60} minute${s === 60 ? "" : "s"}` : `${s} seconds`);
export const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
export const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

export function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${Math.round(kib)} KiB` : `${(kib / 1024).toFixed(kib < 10240 ? 1 : 0)} MiB`;
}

/** What went wrong, as the service's problem+json says it, with the HTTP status (0: no answer at all). */
export class Problem extends Error {
  constructor({ status = 0, title, detail, remedy = "", code = "" }, retryAfter = null) {
    super(title);
    Object.assign(this, { status, title, detail, remedy, code, retryAfter });
  }

  /** Whether the same recording may well be answered when it is sent again. */
  get passing() {
    return [0, 408, 429, 500, 502, 503, 504].includes(this.status);
  }
}

// A proxy in front of the service answers some requests itself, and not in problem+json.
const BY_STATUS = {
  0: ["The service did not answer", "It may have been stopped, or the connection was cut.",
    "See whether it still runs, then try again."],
  401: ["This service asks for a key", "The recording was not looked at.", "Enter the key you were given."],
  408: ["Sending took too long", "The connection was too slow for this recording.", "Send a shorter recording."],
  413: ["Recording too large", "A server on the way does not let recordings of this size pass.",
    "Send a smaller or lower-resolution recording."],
  429: ["Many recordings at once", "All places in the queue are taken.", "Try again in a moment."],
  502: ["The service is not there", "A server on the way cannot reach it.", "Try again in a moment."],
  503: ["The service is not ready", "It is starting or shutting down.", "Try again in a moment."],
  504: ["The answer took too long", "A server on the way stopped waiting for it.", "Try again, or a shorter recording."],
};

/** The problem of a response: the service's own words where it sent some. */
export function problemOf(status, body, retryAfter = null) {
  // The service tells programs which header to send; a person is asked for the key.
  if (status !== 401 && body?.title && body?.detail) return new Problem({ status, ...body }, retryAfter);
  const [title, detail, remedy] = BY_STATUS[status]
    ?? ["That did not work", `The service answered with status ${status}.`, "Try again in a moment."];
  return new Problem({ status, title, detail, remedy }, retryAfter);
}

/** Why a screen could not be recorded; `error` is what the browser threw. */
export function problemOfSharing(error) {
  if (error.name === "NotAllowedError") {
    return new Problem({
      status: -1, code: "not-shared", title: "The screen was not shared",
      detail: "Sharing was not allowed, or its window was closed.",
      remedy: "Choose Record the screen again and pick a tab, a window or a screen. "
        + "If nothing is asked, let this browser record the screen in the settings of the system.",
    });
  }
  return new Problem({
    status: -1, code: "not-recorded", title: "The screen could not be recorded",
    detail: error.message ? `The browser says: ${error.message}` : "The browser does not say why.",
    remedy: "Pick another tab or window, or record with another program and choose the file.",
  });
}

export function problemOfSize(file, maxBytes) {
  return new Problem({
    status: 413, code: "clip-too-large", title: "Clip too large",
    detail: `${file.name} has ${size(file.size)}; at most ${size(maxBytes)} are read.`,
    remedy: "Send a smaller or lower-resolution recording.",
  });
}

export const NOTHING_RECORDED = new Problem({
  status: -1, code: "nothing-recorded", title: "Nothing was recorded",
  detail: "What was shared did not change while it was recorded.",
  remedy: "Record again, and do something in the tab, window or screen you share.",
});
