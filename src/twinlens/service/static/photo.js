// A file -> a photo on the page: its preview where the browser can draw it, its faces as the service sees them.

import { send } from "/static/api.js";

const NAMES = /\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|hei[cf]|avif|jp2|pgm|ppm|pnm)$/i;
const MARGIN = 0.7; // of a face's size, left around it when it is cut out

/** True where a file may be a photo, by its kind or its name. */
export function maybePhoto(file) {
  return file.type.startsWith("image/") || NAMES.test(file.name);
}

/** The photos among files that were dropped, pasted or chosen. */
export function photosIn(list) {
  return Array.from(list ?? []).filter((file) => file instanceof File);
}

/** One photo, kept as the very file that was given. */
export class Photo {
  constructor(file) {
    this.file = file;
    this.name = file.name || "pasted photo";
    this.url = URL.createObjectURL(file);
    this.image = new Image();
    this.image.src = this.url;
    this.previewed = this.image.decode().then(
      () => true,
      () => false, // HEIC in most browsers: the service reads it all the same
    );
    this.seen = null;
  }

  /** Let the browser forget the preview. */
  forget() {
    URL.revokeObjectURL(this.url);
  }

  /**
   * Ask the service for the faces, once.
   *
   * @returns {Promise<{width: number, height: number, faces: object[]}>}
   */
  detect(signal) {
    this.seen ??= send("POST", "detect", { form: formOf({ photo: this.file, crops: "true" }), signal }).catch((error) => {
      this.seen = null; // the next try asks again
      throw error;
    });
    return this.seen;
  }
}

/** Fields -> a form; files keep their names; null and undefined are left out. */
export function formOf(fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one === null || one === undefined) continue;
      if (one instanceof File) form.append(name, one, one.name || "photo");
      else form.append(name, one);
    }
  }
  return form;
}

/**
 * Cut a face out with what is around it; from its aligned crop where the browser cannot draw the photo.
 *
 * @returns {Promise<File>}
 */
export async function cutOut(photo, face, seen) {
  const canvas = document.createElement("canvas");
  const draw = canvas.getContext("2d");
  if (await photo.previewed) {
    const scale = photo.image.naturalWidth / seen.width;
    const [left, top, right, bottom] = face.box;
    const reach = Math.max(right - left, bottom - top) * MARGIN;
    const x = Math.max(0, left - reach);
    const y = Math.max(0, top - reach);
    const width = Math.min(seen.width, right + reach) - x;
    const height = Math.min(seen.height, bottom + reach) - y;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    draw.drawImage(photo.image, x * scale, y * scale, width * scale, height * scale, 0, 0, canvas.width, canvas.height);
  } else {
    const crop = new Image();
    crop.src = face.crop;
    await crop.decode();
    canvas.width = canvas.height = crop.naturalWidth * 2;
    draw.fillStyle = "#777";
    draw.fillRect(0, 0, canvas.width, canvas.height);
    draw.drawImage(crop, crop.naturalWidth / 2, crop.naturalHeight / 2);
  }
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const stem = photo.name.replace(/\.[^.]+$/, "");
  return new File([blob], `${stem} face.png`, { type: "image/png" });
}

/** Faces in the order of reading: from left to right. */
export function leftToRight(faces) {
  return faces.map((face, index) => ({ face, index })).sort((one, other) => one.face.box[0] - other.face.box[0]);
}
