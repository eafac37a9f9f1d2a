// Compare: two photos -> are they the same person?

import { send } from "/static/api.js";
import { bringIntoSight, button, h, say, show } from "/static/dom.js";
import { problemBox, progressBar, qualityHints } from "/static/notes.js";
import { cutOut, formOf, leftToRight } from "/static/photo.js";
import { problemOf, stopped } from "/static/problems.js";
import { strictnessChoice } from "/static/strictness.js";
import { figures, scaleBox, verdictBox, verdictOf } from "/static/verdict.js";
import { dropTarget, pasteTarget, photoWell } from "/static/well.js";
import { whyBox } from "/static/why.js";
import { count } from "/static/words.js";

const CENTRING = 2; // as twinlens.recognizer.choice weighs it

/** Make the page. */
export function comparePage() {
  const sides = ["First photo", "Second photo"].map((title, place) => makeSide(title, place));
  const strict = strictnessChoice({ onChange: () => result.childElementCount && compare() });
  const go = button("Compare", () => compare({ focus: true }), { kind: "primary large", disabled: true });
  const result = h("section.result", { "aria-label": "Answer" });
  const element = h(
    "article.page",
    {},
    h("header.head", {}, h("h1", { tabindex: "-1", text: "Compare" }), h("p.lead", { text: "Two photos, one question: is it the same person?" })),
    h("div.wells", {}, sides.map((side) => side.well.element)),
    h("div.ask", {}, strict.element, go),
    result,
  );
  let running = null;
  pasteTarget(element, spread);
  dropTarget(element, spread);

  function makeSide(title, place) {
    const side = { place, pick: null, answer: null };
    side.well = photoWell({
      title,
      hint: place ? "Or drop two photos at once" : "JPEG, PNG, WebP, HEIC …",
      onPhoto: () => look(side),
      onClear: () => changed(side),
      onSpare: ([next]) => sides[1 - place].well.set(next),
    });
    return side;
  }

  /** Give photos to the wells, the empty ones first. */
  function spread(list) {
    const order = [...sides].sort((one, other) => Boolean(one.well.photo) - Boolean(other.well.photo));
    Array.from(list).slice(0, 2).forEach((file, index) => order[index].well.set(file));
  }

  function changed(side) {
    side.pick = null;
    running?.abort();
    show(result);
    go.disabled = !sides.every((one) => one.well.photo);
  }

  /** Show the faces of a new photo, and compare once both are there. */
  async function look(side) {
    changed(side);
    const { photo, below } = side.well;
    show(below, h("p.hint.waiting", { text: "Looking for faces …" }));
    try {
      const seen = await photo.detect();
      if (side.well.photo !== photo) return;
      side.seen = seen;
      await draw(side);
    } catch (error) {
      if (stopped(error) || side.well.photo !== photo) return;
      show(below, problemBox(problemOf(error), { retry: () => look(side) }));
      say(problemOf(error).title, true);
      return;
    }
    if (sides.every((one) => one.well.photo && one.seen?.faces.length && one.well.photo.seen)) compare();
  }

  async function draw(side) {
    const { well, seen } = side;
    const faces = leftToRight(seen.faces);
    if (side.pick === null && faces.length) side.pick = mainFace(seen);
    const many = faces.length > 1;
    await well.stage.mark(seen, faces.map(({ face, index }, order) => ({ box: face.box, number: many ? order + 1 : null, crop: face.crop, kind: index === side.pick ? "chosen" : "other", pick: many ? () => choose(side, index) : null })));
    if (!faces.length) {
      show(well.below, problemBox({ title: "No face was found", detail: "", todo: "Take a photo in which the face is visible, well lit and at least 30 pixels wide." }));
      say(`${well.photo.name}: no face was found.`, true);
      return;
    }
    const chosen = seen.faces[side.pick];
    show(
      well.below,
      many && h("fieldset.faces", {}, h("legend", { text: `${count(faces.length, "face")}: which one?` }), faces.map(({ face, index }, order) => h("label.face-pick", {}, h("input", { type: "radio", name: `face-${side.place}`, checked: index === side.pick, on: { change: () => choose(side, index) } }), h("img", { src: face.crop, alt: `Face ${order + 1} from the left`, width: 48, height: 48 })))),
      chosen.quality?.reasons?.length ? h("div", {}, h("p.strong", { text: "This photo could be better:" }), qualityHints(chosen.quality)) : h("p.hint.good", { text: "A good photo of a face." }),
    );
  }

  function choose(side, index) {
    if (side.pick === index) return;
    side.pick = index;
    const active = document.activeElement?.name;
    draw(side).then(() => active && side.well.below.querySelector("input:checked")?.focus());
    if (sides.every((one) => one.well.photo)) compare();
  }

  /** The photo, or the chosen face cut out of it where it is not the one the service would take. */
  async function source(side) {
    const { photo } = side.well;
    if (!side.seen || side.pick === null || side.pick === mainFace(side.seen)) return photo.file;
    return cutOut(photo, side.seen.faces[side.pick], side.seen);
  }

  async function compare({ focus = false } = {}) {
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    const progress = progressBar("Comparing …", { stop: () => running.abort() });
    if (!result.childElementCount) show(result, progress.element);
    result.setAttribute("aria-busy", "true");
    go.disabled = true;
    try {
      const [left, right] = await Promise.all(sides.map(source));
      const answer = await send("POST", "verify", { form: formOf({ left, right, target_fmr: strict.value(), crops: "true" }), signal });
      if (signal.aborted) return;
      answered(answer, [left, right], focus);
    } catch (error) {
      if (stopped(error)) {
        if (running.signal === signal) show(result);
        return;
      }
      const problem = problemOf(error);
      show(result, problemBox(problem, { retry: () => compare({ focus: true }) }));
      say(problem.title, true);
    } finally {
      if (running.signal === signal) {
        result.removeAttribute("aria-busy");
        go.disabled = !sides.every((one) => one.well.photo);
      }
    }
  }

  function answered(answer, files, focus) {
    const crops = [answer.left, answer.right].map((part, place) => part?.face?.crop ?? sides[place].seen?.faces[sides[place].pick]?.crop);
    show(result, verdictBox(answer, crops), scaleBox(answer), whyBox(() => formOf({ left: files[0], right: files[1], target_fmr: strict.value() })), figures(answer));
    say(`${verdictOf(answer).title}. ${result.querySelector(".meaning")?.textContent ?? ""}`);
    if (focus) result.querySelector(".verdict-title").focus();
    bringIntoSight(result);
  }

  return { element };
}

/** The face that the service takes of several: large and central; the nearest guess, for the drawing. */
export function mainFace({ width, height, faces }) {
  const weight = ({ box: [left, top, right, bottom] }) => {
    const off = Math.hypot((left + right - width) / 2, (top + bottom - height) / 2);
    return (right - left) * (bottom - top) - CENTRING * off * off;
  };
  return faces.reduce((best, face, index) => (weight(face) > weight(faces[best]) ? index : best), 0);
}
