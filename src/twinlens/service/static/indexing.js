// A folder of photos -> every face of it in an album: progress, stop, a report, nothing lost.

import { send, workKey } from "/static/api.js";
import { button, h, say, show } from "/static/dom.js";
import { byPlace } from "/static/files.js";
import { folderWell } from "/static/folderwell.js";
import { inGallery } from "/static/galleries.js";
import { noteBox, problemBox, progressBar } from "/static/notes.js";
import { problemOf, stopped } from "/static/problems.js";
import { count, listed, number } from "/static/words.js";

const BATCH_FILES = 8;
const BATCH_BYTES = 24e6;

/** Make the part; album() names the album, shelf() holds its photos, onIndexed() is called when faces were added. */
export function indexBox({ album, shelf, onIndexed }) {
  const place = h("div.stack");
  const element = h("section.sheet", { "aria-labelledby": "index-title" }, h("h2", { id: "index-title", text: "Photos of the collection" }), place);
  const well = folderWell({ element, folder: "Folder of photos", files: "Photos", onFiles: plan });
  start();

  function start() {
    show(place, well.area("Drop a folder of photos", "The service keeps numbers made of the faces, not the photos. To see pictures here later, show this page the folder again."));
  }

  function plan(found) {
    const { photos, skipped } = byPlace(found);
    if (!photos.size) {
      start();
      place.prepend(noteBox("No photos were found there. JPEG, PNG, WebP, TIFF and HEIC photos work.", { kind: "bad" }));
      say("No photos were found.", true);
      return;
    }
    show(
      place,
      h("p.result-count", { text: count(photos.size, "photo") }),
      skipped.length > 0 && h("p.hint", { text: `Left out, because they are not photos: ${listed(skipped, 4)}.` }),
      h("div.row", {}, button(`Look at ${count(photos.size, "photo")}`, () => run(photos), { kind: "primary" }), button("Only show the pictures here", () => onlyShow(photos)), button("Start over", start, { kind: "ghost" })),
      h("p.hint", { text: "Photos that were looked at before are recognised." }),
    );
    place.querySelector("button.primary").focus();
  }

  function onlyShow(photos) {
    shelf().add(photos);
    start();
    place.prepend(noteBox(`${count(photos.size, "photo")} to be shown beside their names. Nothing was sent.`, { kind: "good", drawing: "yes" }));
    onIndexed();
  }

  async function run(photos) {
    const work = new AbortController();
    const into = album();
    const progress = progressBar("Looking at the photos …", { stop: () => work.abort() });
    const reports = [];
    const left = new Map(photos);
    let problem = null;
    well.busy = true;
    shelf().add(photos);
    show(place, progress.element);
    progress.set(0, photos.size, `0 of ${count(photos.size, "photo")}`);
    progress.element.querySelector("button").focus();
    try {
      for (const batch of batches(photos)) {
        reports.push(...(await sendBatch(into, batch, work.signal)));
        for (const [name] of batch) left.delete(name);
        progress.set(reports.length, photos.size, `${number(reports.length)} of ${count(photos.size, "photo")}`);
      }
    } catch (error) {
      if (!stopped(error)) problem = problemOf(error);
    } finally {
      well.busy = false;
    }
    if (reports.length) onIndexed();
    report(reports, left, problem);
  }

  function report(reports, left, problem) {
    const of = (outcome) => reports.filter((one) => one.outcome === outcome);
    const bad = of("unreadable");
    const told = [`${count(of("done").length, "photo")} with faces`, of("already enrolled").length && `${number(of("already enrolled").length)} known already`, of("no face").length && `${number(of("no face").length)} without a face`, bad.length && `${number(bad.length)} unreadable`].filter(Boolean).join(", ");
    show(
      place,
      problem && problemBox(problem),
      h("p.result-count", { tabindex: -1, text: `${told}.` }),
      left.size > 0 && button(`Go on with the ${count(left.size, "photo")} that ${left.size === 1 ? "is" : "are"} left`, () => run(left), { kind: "primary", drawing: "again" }),
      bad.length > 0 && h("ul.list.scroll", { tabindex: 0, "aria-label": "Unreadable photos" }, bad.map((one) => h("li", {}, h("div.grow", {}, h("span.name", { text: one.source }), h("span.hint", { text: one.reasons.join(" ") }))))),
      button("More photos", start, { drawing: "plus" }),
    );
    place.querySelector(".result-count").focus();
    say(told);
  }

  return { element, reset: start };
}

async function sendBatch(album, batch, signal) {
  const form = new FormData();
  for (const [name, file] of batch) form.append("photos", file, name);
  return (await send("POST", inGallery(album, "photos"), { form, once: workKey(), signal })).reports;
}

function* batches(photos) {
  let batch = [];
  let bytes = 0;
  for (const [name, file] of photos) {
    if (batch.length && (batch.length >= BATCH_FILES || bytes + file.size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push([name, file]);
    bytes += file.size;
  }
  if (batch.length) yield batch;
}
