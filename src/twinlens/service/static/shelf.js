// Photos that this page was shown, by the names under which the service knows them.
//
// The service keeps no photos. So pictures beside the names of an album are those of the very files that were dropped
// or chosen here; after a reload the folder is shown to the page again, and nothing of it is sent.

import { Photo } from "/static/photo.js";

const AT_ONCE = 2; // photos that are looked at, at the same time, for their faces

/** "2024/beach.jpg#2" -> ["2024/beach.jpg", 2]. */
export function placeOf(member) {
  const cut = member.lastIndexOf("#");
  return cut < 0 ? [member, 1] : [member.slice(0, cut), Number(member.slice(cut + 1))];
}

/** The photos of one album. */
export class Shelf {
  constructor() {
    this.files = new Map();
    this.photos = new Map();
    this.working = 0;
    this.waiting = [];
  }

  /** Put photos on the shelf: place -> file. */
  add(files) {
    for (const [place, file] of files) {
      this.files.set(place, file);
      this.photos.get(place)?.forget();
      this.photos.delete(place);
    }
  }

  get empty() {
    return this.files.size === 0;
  }

  /** The photo of an album's face; null where this page was not shown it. */
  photo(member) {
    const [place] = placeOf(member);
    const file = this.files.get(place);
    if (!file) return null;
    if (!this.photos.has(place)) this.photos.set(place, new Photo(file));
    return this.photos.get(place);
  }

  /**
   * The face itself, as the service sees it in the photo.
   *
   * @returns {Promise<{photo: Photo, face: object, seen: object}|null>}
   */
  async face(member) {
    const photo = this.photo(member);
    if (!photo) return null;
    await this.turn();
    try {
      const seen = await photo.detect();
      const face = seen.faces[placeOf(member)[1] - 1];
      return face ? { photo, face, seen } : null;
    } finally {
      this.working -= 1;
      this.waiting.shift()?.();
    }
  }

  async turn() {
    if (this.working >= AT_ONCE) await new Promise((resolve) => this.waiting.push(resolve));
    this.working += 1;
  }
}
