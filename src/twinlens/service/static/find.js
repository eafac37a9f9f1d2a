// Find: everyone's photos from one face, and groups of unknown faces to be named.

import { get, send } from "/static/api.js";
import { bringIntoSight, button, fresh, h, icon, say, show } from "/static/dom.js";
import { galleryPicker, inGallery } from "/static/galleries.js";
import { groupsBox } from "/static/groups.js";
import { indexBox } from "/static/indexing.js";
import { mainFace } from "/static/compare.js";
import { noteBox, problemBox, progressBar } from "/static/notes.js";
import { formOf, leftToRight } from "/static/photo.js";
import { problemOf, stopped } from "/static/problems.js";
import { placeOf, Shelf } from "/static/shelf.js";
import { pasteTarget, photoWell } from "/static/well.js";
import { count, similarity } from "/static/words.js";

const MOST = 100;
const SURE_FMR = "0.0001"; // as groups are made: 1 stranger in 10,000 by each face of the collection
const LESS_FMR = "0.01";

/** Make the page. */
export function findPage() {
  const shelves = new Map();
  const picker = galleryPicker({ kind: "album", onChange: changed });
  const shelf = () => {
    const name = picker.value();
    if (!shelves.has(name)) shelves.set(name, new Shelf());
    return shelves.get(name);
  };
  const index = indexBox({ album: picker.value, shelf, onIndexed: () => filled() });
  const groups = groupsBox({ album: picker.value, shelf });
  const well = photoWell({ title: "A photo of the person", hint: "One face is enough", onPhoto: () => find(), onClear: () => stop() });
  const answer = h("section.sheet", { "aria-labelledby": "found-title", hidden: true });
  const first = h("div", { role: "status" });
  const columns = h("div.columns", {}, well.element, index.element);
  const body = h("div.stack", { hidden: true }, first, columns, answer, groups.element);
  const element = h("article.page", {}, h("header.head", {}, h("h1", { tabindex: "-1", text: "Find" }), h("p.lead", { text: "From one face to all photos of a person in a collection, and names for the faces nobody has named yet." })), picker.element, body);
  let running = null;
  pasteTarget(element, (files) => well.set(files[0]));

  async function changed(name) {
    body.hidden = !name;
    stop();
    index.reset();
    groups.reset();
    if (!name) return;
    await order(name);
    if (well.photo && picker.value() === name) find();
  }

  /** In an empty album nobody can be found: then only its photos are asked for. */
  async function order(name) {
    let empty = false;
    try {
      empty = (await get(inGallery(name))).templates === 0;
    } catch {
      // whatever is wrong is told where it matters, by the search itself
    }
    if (picker.value() !== name) return;
    for (const part of [well.element, groups.element]) part.hidden = empty;
    columns.classList.toggle("single", empty);
    show(first, empty && noteBox("This album is empty. Add photos first: then everybody on them can be found from one face.", { kind: "plain" }));
  }

  /** Photos were added. */
  async function filled() {
    groups.reset();
    await order(picker.value());
    if (well.photo) find();
  }

  function stop() {
    running?.abort();
    answer.hidden = true;
    show(answer);
  }

  async function find() {
    const { photo, stage } = well;
    if (!photo || !picker.value() || well.element.hidden) return;
    running?.abort();
    const mine = (running = new AbortController());
    answer.hidden = false;
    show(answer, h("h2", { id: "found-title", text: "Photos of this person" }), progressBar("Looking through the collection …", { stop: () => mine.abort() }).element);
    try {
      const found = await look(photo, SURE_FMR, mine.signal);
      if (well.photo === photo && running === mine) draw(stage, found);
    } catch (error) {
      if (stopped(error)) {
        if (running === mine) stop();
        return;
      }
      const problem = problemOf(error);
      show(answer, h("h2", { id: "found-title", text: "Photos of this person" }), problemBox(problem, { retry: () => find() }));
      say(problem.title, true);
    }
  }

  function look(photo, rate, signal) {
    return send("POST", "identify", { form: formOf({ gallery: picker.value(), top: String(MOST), target_fmr: rate, crops: "true", photo: photo.file }), signal });
  }

  function draw(stage, found, pick = null) {
    if (!found.faces.length) {
      show(answer, h("h2", { id: "found-title", text: "No face was found" }), noteBox("Take a photo in which the person's face is visible.", { kind: "bad" }));
      stage.mark(found, []);
      say("No face was found.", true);
      return;
    }
    const faces = found.faces.map((one) => one.face);
    const chosen = pick ?? mainFace({ ...found, faces });
    const ordered = leftToRight(faces);
    stage.mark(found, ordered.map(({ face, index }, order) => ({ box: face.box, number: faces.length > 1 ? order + 1 : null, crop: face.crop, kind: index === chosen ? "chosen" : "other", pick: () => draw(stage, found, index) })));
    const name = fresh("face");
    show(
      well.below,
      faces.length > 1 && h("fieldset.faces", {}, h("legend", { text: `${count(faces.length, "face")}: whom to look for?` }), ordered.map(({ face, index }, order) => h("label.face-pick", {}, h("input", { type: "radio", name, checked: index === chosen, on: { change: () => { draw(stage, found, index); well.below.querySelector("input:checked").focus(); } } }), h("img", { src: face.crop, alt: `Face ${order + 1} from the left`, width: 48, height: 48 })))),
    );
    results(found, chosen);
  }

  function results({ threshold, faces }, chosen) {
    const { candidates } = faces[chosen];
    const sure = candidates.filter((one) => one.score >= threshold);
    const told = sure.length ? `${photosOf(sure)} of this person` : candidates.length ? "No photo of this person was found" : "The album is empty";
    const less = h("div.stack");
    const status = h("div", { role: "status" });
    if (candidates.some((one) => one.score < threshold)) less.append(button("Show less certain ones", () => lessSure(less, status, threshold, chosen)), status);
    show(
      answer,
      h("h2", { id: "found-title", text: told }),
      sure.length > 0 && h("ul.tiles", {}, sure.map(tile)),
      sure.length >= MOST && h("p.hint", { text: `Only the ${MOST} most alike are shown.` }),
      !candidates.length && noteBox("Everybody in it was erased. Add photos, then ask again."),
      less,
      shelf().empty && candidates.length > 0 && h("p.hint", { text: "The service keeps no photos: show this page the folder of the collection to see pictures beside the names." }),
    );
    say(told);
    bringIntoSight(answer);
  }

  /** Faces that are less alike: 1 stranger in 100 passes. */
  async function lessSure(less, status, threshold, chosen) {
    const { photo } = well;
    show(status, progressBar("Looking again …").element);
    try {
      const found = await look(photo, LESS_FMR, running.signal);
      const more = found.faces[chosen].candidates.filter((one) => one.score < threshold && one.score >= found.threshold);
      show(less, h("h3", { tabindex: -1, text: more.length ? `Less certain: ${photosOf(more)}` : "There are none." }), more.length > 0 && h("p.hint", { text: "So alike is 1 stranger in 100, too." }), h("ul.tiles", {}, more.map(tile)));
      less.querySelector("h3").focus();
    } catch (error) {
      if (!stopped(error)) show(status, problemBox(problemOf(error), { retry: () => lessSure(less, status, threshold, chosen) }));
    }
  }

  function tile(one) {
    const photo = shelf().photo(one.subject);
    const [place] = placeOf(one.subject);
    const blank = () => h("div.tile-photo.blank", { "aria-hidden": "true" }, icon("photo"));
    const picture = photo ? h("img.tile-photo", { src: photo.url, alt: "", loading: "lazy", on: { error: (event) => event.target.replaceWith(blank()) } }) : blank();
    return h("li.tile", {}, picture, h("p.name", { text: place, title: place }), h("p.hint", { text: `similarity ${similarity(one.score)}` }));
  }

  return { element };
}

function photosOf(found) {
  return count(new Set(found.map((one) => placeOf(one.subject)[0])).size, "photo");
}
