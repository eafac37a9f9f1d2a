// The camera -> one photo. Nothing leaves the page before a person takes the picture.

import { openDialog } from "/static/dialog.js";
import { h, show } from "/static/dom.js";
import { noteBox } from "/static/notes.js";

const REFUSALS = {
  NotAllowedError: "The browser may not use the camera. Allow it beside the address, then try again.",
  NotFoundError: "No camera was found. Is it plugged in?",
  NotReadableError: "Another program uses the camera. Close it and try again.",
};

/** Take a photo; undefined where a person said no. */
export async function takePhoto() {
  const video = h("video.camera", { playsinline: true, muted: true, "aria-label": "What the camera sees" });
  video.muted = true;
  const status = h("div", { role: "status" });
  let stream = null;
  let over = false;
  const starting = start().then(
    (found) => {
      stream = found;
      if (over) return end();
      video.srcObject = stream;
      return video.play();
    },
    (error) => show(status, noteBox(REFUSALS[error?.name] ?? String(error?.message ?? error), { kind: "bad" })),
  );
  const end = () => stream?.getTracks().forEach((track) => track.stop());
  const file = await openDialog("Take a photo", [video, status], {
    action: "Take the photo",
    wide: true,
    onAction: async () => {
      await starting;
      return video.videoWidth ? still(video) : undefined;
    },
  });
  over = true;
  end();
  return file;
}

function start() {
  if (!navigator.mediaDevices?.getUserMedia) {
    return Promise.reject(new Error("Browsers give the camera only to pages at https or on this very machine (127.0.0.1)."));
  }
  return navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, facingMode: "user" }, audio: false });
}

async function still(video) {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
  return new File([blob], "camera.jpg", { type: "image/jpeg" });
}
