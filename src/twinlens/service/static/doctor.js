// What is wrong in a gallery: conflicts, duplicates, wrong labels, poor photos; each with what to do.

import { get } from "/static/api.js";
import { openDialog } from "/static/dialog.js";
import { button, h, say, show } from "/static/dom.js";
import { inGallery, ofSubject } from "/static/galleries.js";
import { capital, noteBox, problemBox, progressBar } from "/static/notes.js";
import { mergePerson, openPerson } from "/static/person.js";
import { problemOf, stopped } from "/static/problems.js";
import { count, listed, number } from "/static/words.js";

const KINDS = {
  mislabelled: "Photos that show somebody else",
  "two names": "The same person under two names",
  incoherent: "People whose photos do not belong together",
  "look-alike": "People whom a search may confuse",
  duplicate: "Photos enrolled more than once",
  "poor reference": "Photos too poor to compare with",
  "one photo": "People with one photo",
};
const SHOWN = 50;
const OPENED = 4; // people of one finding who can be opened from it

/** Make the part. */
export function doctorBox({ gallery, onChanged }) {
  const place = h("div.stack");
  const element = h("section.sheet", { "aria-labelledby": "doctor-title" }, h("h2", { id: "doctor-title", text: "Is everything right in it?" }), place);
  let work = null;
  reset();

  function reset() {
    work?.abort();
    show(place, h("div.row", {}, button("Check the gallery", check, { drawing: "check" }), h("span.hint", { text: "Compares all photos with each other: conflicts, duplicates, wrong names." })));
  }

  async function check() {
    work = new AbortController();
    const { signal } = work;
    const progress = progressBar("Comparing all photos with each other …", { stop: reset });
    show(place, progress.element);
    progress.element.querySelector("button").focus();
    try {
      draw(await get(inGallery(gallery(), "doctor"), { signal }));
    } catch (error) {
      if (!stopped(error)) show(place, problemBox(problemOf(error), { retry: check }));
    }
  }

  function draw({ findings, problems = [] }) {
    const grave = findings.filter((one) => one.grave).length;
    const told = findings.length ? `${count(findings.length, "finding")}; ${grave ? `${number(grave)} may make a search answer wrongly` : "none makes a search answer wrongly"}` : "Nothing to put right.";
    show(
      place,
      h("p.result-count", { tabindex: -1, text: told }),
      problems.map((text) => noteBox(`The gallery's file: ${text}. Whoever runs the service should run: twinlens gallery doctor`, { kind: "bad" })),
      !findings.length && noteBox("No conflict, no duplicate, no wrong name was found.", { kind: "good", drawing: "yes" }),
      Object.entries(KINDS).map(([kind, title]) => group(title, findings.filter((one) => one.kind === kind))),
      button("Check again", check, { drawing: "again" }),
    );
    place.querySelector(".result-count").focus();
    say(told);
  }

  function group(title, findings) {
    if (!findings.length) return null;
    return h("section", {}, h("h3", { text: `${title}: ${number(findings.length)}` }), h("ul.list", {}, findings.slice(0, SHOWN).map(line)), findings.length > SHOWN && h("p.hint", { text: `and ${number(findings.length - SHOWN)} more` }));
  }

  function line(one) {
    const photos = (one.photos ?? []).map((photo) => photo.source || photo.photo);
    return h("li.wrap", {}, h("div.grow", {}, h("span", { text: one.text }), photos.length > 0 && h("span.hint", { text: listed(photos, 4) }), (one.remedies ?? []).map((text) => h("span.hint", { text: capital(text) }))), one.grave && h("span.chip.stop", { text: "Put right" }), h("div.row.tight", {}, remedies(one)));
  }

  function remedies({ kind, subjects }) {
    const [first, second] = subjects;
    const after = (act) => async () => {
      const said = await act();
      if (!said) return;
      onChanged(said);
      check();
    };
    const small = (text, act) => button(text, after(act), { kind: "small", "aria-haspopup": "dialog" });
    const mergeable = (kind === "two names" || kind === "duplicate") && second && second !== first;
    const concerned = [...new Set(subjects)].slice(0, OPENED);
    return [
      mergeable && small(`Merge ${first} into ${second}`, () => mergePerson(gallery(), first, second)),
      ...concerned.map((name) => small(`Open ${name}`, () => look(name))),
    ].filter(Boolean);
  }

  /** Show a person whom a finding names. */
  async function look(name) {
    try {
      return await openPerson(gallery(), await get(ofSubject(gallery(), name)));
    } catch (error) {
      if (stopped(error)) return false;
      await openDialog(name, [problemBox(problemOf(error))], { dismiss: "Close" });
      return true; // renamed or deleted meanwhile: what was found is looked at again
    }
  }

  return { element, reset };
}
