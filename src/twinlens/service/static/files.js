// What was dropped or chosen -> photos with the names of their people, by folder.

import { maybePhoto } from "/static/photo.js";

const MOST = 100_000; // files looked at in one drop

/** One file, and where it lay: ["people", "Ada", "1.jpg"]. */
class Found {
  constructor(file, path) {
    this.file = file;
    this.path = path;
  }
}

/** Files of a drop, folders walked through. */
export async function droppedFiles(transfer) {
  const entries = Array.from(transfer.items ?? []).map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return Array.from(transfer.files, (file) => new Found(file, [file.name]));
  const found = [];
  for (const entry of entries) await walk(entry, [], found);
  return found;
}

/** Files of a file field; with their folders where a folder was chosen. */
export function chosenFiles(list) {
  return Array.from(list, (file) => new Found(file, (file.webkitRelativePath || file.name).split("/")));
}

async function walk(entry, above, found) {
  if (found.length >= MOST) return;
  const path = [...above, entry.name];
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
    if (file) found.push(new Found(file, path));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!some.length) return; // it gives a hundred at a time
    for (const one of some) await walk(one, path, found);
  }
}

/**
 * Sort files by person: the folder a photo lies in, or, where folders lie in one folder, the folder below that one.
 *
 * @returns {{people: Map<string, File[]>, loose: File[], skipped: string[]}}  loose: photos without a folder
 */
export function byPerson(found) {
  const people = new Map();
  const loose = [];
  const skipped = [];
  for (const { file, path } of found) {
    if (path.some((part) => part.startsWith(".")) || file.size === 0 || !maybePhoto(file)) {
      if (!path.at(-1).startsWith(".")) skipped.push(path.join("/"));
      continue;
    }
    if (path.length === 1) {
      loose.push(file);
      continue;
    }
    const name = (path.length === 2 ? path[0] : path[1]).normalize("NFC").trim();
    if (!people.has(name)) people.set(name, []);
    people.get(name).push(file);
  }
  return { people, loose, skipped };
}

/** The photos of a collection by their place below the folder that was chosen: "2024/beach.jpg" -> file. */
export function byPlace(found) {
  const photos = new Map();
  const skipped = [];
  for (const { file, path } of found) {
    const hidden = path.some((part) => part.startsWith("."));
    if (hidden || file.size === 0 || !maybePhoto(file)) {
      if (!hidden) skipped.push(path.join("/"));
      continue;
    }
    photos.set((path.length > 1 ? path.slice(1) : path).join("/"), file);
  }
  return { photos, skipped };
}
