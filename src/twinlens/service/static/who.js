// Who is this?: a photo of one person or many -> names on it, and *unknown* where somebody is.

import { send } from "/static/api.js";
import { bringIntoSight, button, h, say, show } from "/static/dom.js";
import { enrolFace } from "/static/enrolface.js";
import { galleryPicker } from "/static/galleries.js";
import { capital, noteBox, problemBox, progressBar } from "/static/notes.js";
import { formOf } from "/static/photo.js";
import { problemOf, stopped } from "/static/problems.js";
import { SEARCH, strictnessChoice } from "/static/strictness.js";
import { pasteTarget, photoWell } from "/static/well.js";
import { count, number, oneIn, percent } from "/static/words.js";

/** Make the page. */
export function whoPage() {
  const picker = galleryPicker({ kind: "people", onChange: () => ask() });
  const well = photoWell({ title: "Photo", hint: "One person or a whole group", onPhoto: () => ask(), onClear: () => stop() });
  const strict = strictnessChoice({ choices: SEARCH, chosen: "", onChange: () => ask() });
  const answer = h("section.sheet", { "aria-labelledby": "who-title", hidden: true });
  const columns = h("div.columns", {}, h("div.stack", {}, well.element, strict.element), answer);
  const element = h("article.page", {}, h("header.head", {}, h("h1", { tabindex: "-1", text: "Who is this?" }), h("p.lead", { text: "Names on a photo where somebody is known, unknown where nobody is." })), picker.element, columns);
  let running = null;
  well.element.classList.add("identity-stage");
  pasteTarget(element, (files) => well.set(files[0]));

  function stop() {
    running?.abort();
    answer.hidden = true;
    show(answer);
  }

  async function ask() {
    const { photo, stage } = well;
    const gallery = picker.value();
    if (!photo || !gallery) return;
    running?.abort();
    const mine = (running = new AbortController());
    const progress = progressBar("Looking who it is …", { stop: () => mine.abort() });
    answer.hidden = false;
    if (!answer.querySelector(".identity")) show(answer, h("h2", { id: "who-title", text: "Answer" }), progress.element);
    answer.setAttribute("aria-busy", "true");
    try {
      const form = formOf({ gallery, top: "3", target_fmr: strict.value() || null, crops: "true", photo: photo.file });
      const found = await send("POST", "identify", { form, signal: mine.signal });
      if (well.photo === photo) draw(photo, stage, gallery, found);
    } catch (error) {
      if (stopped(error)) {
        if (running === mine) stop();
        return;
      }
      const problem = problemOf(error);
      show(answer, h("h2", { id: "who-title", text: "Answer" }), problemBox(problem, { retry: () => ask() }));
      say(problem.title, true);
    } finally {
      if (running === mine) answer.removeAttribute("aria-busy");
    }
  }

  async function draw(photo, stage, gallery, found) {
    const faces = [...found.faces].sort((one, other) => one.face.box[0] - other.face.box[0]);
    const known = faces.filter((one) => one.subject !== null).length;
    const told = faces.length ? `${count(faces.length, "face")}: ${number(known)} known, ${number(faces.length - known)} unknown` : "No face was found";
    await stage.mark(found, faces.map((one, order) => ({ box: one.face.box, number: order + 1, label: one.subject ?? "unknown", kind: one.subject === null ? "unknown" : "known", crop: one.face.crop, pick: () => point(order + 1) })));
    const seen = { width: found.width, height: found.height };
    show(
      answer,
      h("h2", { id: "who-title", text: told }),
      !faces.length && noteBox("Take a photo in which faces are visible, well lit and at least 30 pixels wide.", { kind: "bad" }),
      faces.length > 0 && h("ol.list", { "aria-label": "Faces, from left to right" }, faces.map((one, order) => line(one, order + 1, photo, seen, gallery, stage))),
      faces.length > 0 && h("p.hint", { text: meaning(found) }),
    );
    bringIntoSight(answer);
    say(`${told}. ${faces.map((one) => one.subject ?? "unknown").join(", ")}`);
  }

  function line(one, place, photo, seen, gallery, stage) {
    const unknown = one.subject === null;
    const lit = (on) => {
      stage.light(on ? place : null);
      item.classList.toggle("lit", on);
    };
    const others = one.candidates.filter((other) => other.subject !== one.subject);
    const item = h(
      "li.identity",
      { dataset: { place }, tabindex: -1, on: { mouseenter: () => lit(true), mouseleave: () => lit(false), focusin: () => lit(true), focusout: () => lit(false) } },
      h("img.face-thumb", { src: one.face.crop, alt: "", width: 48, height: 48 }),
      h(
        "div.grow",
        {},
        h("span.name", { text: `${place}. ${one.subject ?? "Unknown"}` }),
        !unknown && likelihood(one.probability),
        one.reasons.map((reason) => h("span.hint", { text: capital(reason) })),
        others.length > 0 && h("details", {}, h("summary.hint", { text: unknown ? "Most alike" : "Other candidates" }), h("ul", {}, others.map((other) => h("li.hint", { text: `${other.subject}${other.probability === null ? "" : `: ${percent(other.probability)}`}` })))),
        button(unknown ? "Enrol as …" : "Add this photo …", () => enrol(one, photo, seen, gallery), { kind: "small", "aria-haspopup": "dialog", "aria-label": unknown ? `Enrol as …: face ${place}` : `Add this photo …: face ${place}, ${one.subject}` }),
      ),
    );
    return item;
  }

  function point(place) {
    answer.querySelector(`[data-place="${place}"]`)?.focus();
  }

  async function enrol(one, photo, seen, gallery) {
    if (await enrolFace({ gallery, photo, face: one.face, seen, name: one.subject ?? "" })) ask();
  }

  return { element };
}

function likelihood(probability) {
  const text = percent(probability);
  return text && h("span.hint", { text: `${capital(text)} likely, if it was even odds that they are enrolled` });
}

function meaning({ fpir }) {
  return fpir === null || fpir === undefined ? "How often a stranger is given a name was not measured for this model." : `About ${oneIn(fpir)} strangers would be given a name by mistake in a gallery of this size.`;
}
