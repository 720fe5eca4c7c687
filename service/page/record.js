// Recording a tab, a window or the screen.

// What the service reads best comes first. The browser's own choice ends the list.
const KINDS = ["video/mp4;codecs=avc1.42E01E", "video/mp4;codecs=vp9", "video/webm;codecs=vp9", "video/webm"];
const FRAMES = 15;
const SIDE = 1280;
const MOST_BITS = 2_500_000;
const SLICE_MS = 1000;

export const canRecord = Boolean(navigator.mediaDevices?.getDisplayMedia && window.MediaRecorder);

/**
 * Ask what to record, and record it until it is stopped, no longer shared, or at a limit of the service.
 *
 * Returns the live stream; `finish()` and `discard()`; and `file`, a promise of the recording (null once discarded).
 * Rejects with what getDisplayMedia threw when nothing was shared.
 */
export async function recordScreen({ maxBytes, maxSeconds }) {
  const stream = await navigator.mediaDevices.getDisplayMedia({
    video: { frameRate: { max: FRAMES }, width: { max: SIDE }, height: { max: SIDE } },
    audio: false,
    selfBrowserSurface: "exclude",
    surfaceSwitching: "include",
  });
  const [track] = stream.getVideoTracks();
  track.contentHint = "detail";
  const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind)) ?? "";
  // At this rate even the longest recording stays below the largest upload.
  const videoBitsPerSecond = Math.min(MOST_BITS, Math.floor((maxBytes * 8 * 0.8) / maxSeconds));
  const recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond });
  const began = new Date();
  const pieces = [];
  let bytes = 0;
  let kept = true;

  const stop = () => { if (recorder.state !== "inactive") recorder.stop(); };
  const file = new Promise((resolve, reject) => {
    recorder.ondataavailable = ({ data }) => {
      pieces.push(data);
      bytes += data.size;
      if (bytes > maxBytes * 0.9) stop();
    };
    recorder.onstop = () => {
      clearTimeout(limit);
      for (const shared of stream.getTracks()) shared.stop();
      resolve(kept ? new File(pieces, nameOf(began, recorder.mimeType), { type: recorder.mimeType }) : null);
    };
    recorder.onerror = ({ error }) => {
      for (const shared of stream.getTracks()) shared.stop();
      reject(error);
    };
  });
  const limit = setTimeout(stop, (maxSeconds - 1) * 1000);
  track.onended = stop;
  recorder.start(SLICE_MS);
  return { stream, began, file, finish: stop, discard: () => { kept = false; stop(); } };
}

function nameOf(began, mimeType) {
  const two = (number) => String(number).padStart(2, "0");
  const ending = mimeType.includes("mp4") ? "mp4" : "webm";
  const day = `${began.getFullYear()}-${two(began.getMonth() + 1)}-${two(began.getDate())}`;
  return `Recording ${day} ${two(began.getHours())}.${two(began.getMinutes())}.${two(began.getSeconds())}.${ending}`;
}
