// What became of a photo -> a line a person understands, and what can be done about it.

import { button, h } from "/static/dom.js";
import { capital } from "/static/notes.js";

const WORDS = {
  done: ["Enrolled", "yes"],
  "already enrolled": ["Was there already", "yes"],
  "no face": ["No face found", "stop"],
  "several faces": ["Several people", "warn"],
  "poor quality": ["Too poor", "warn"],
  conflict: ["Looks like somebody else", "stop"],
  unlike: ["Unlike the other photos", "warn"],
  unreadable: ["Cannot be read", "stop"],
  removed: ["Taken out", "warn"],
};

/** A chip with the outcome in words. */
export function outcomeChip(item) {
  if (item.state === "failed") return h("span.chip.stop", { text: "Not sent" });
  const [text, kind] = WORDS[item.report.outcome] ?? [capital(item.report.outcome), "warn"];
  return h(`span.chip.${kind}`, { text });
}

/**
 * A line of the report.
 *
 * @param {object} item  of enrolment.js
 * @param {(item, options: object, subject?: string) => void} again  enrol it once more, with more let pass
 */
export function outcomeLine(item, again) {
  return h(
    "li.wrap",
    {},
    h("div.grow", {}, h("span", {}, h("span.name", { text: item.subject }), h("span.hint", { text: ` · ${item.file.name}` })), reasons(item).map((text) => h("span.hint", { text }))),
    outcomeChip(item),
    h("div.row.tight", {}, remedies(item, again)),
  );
}

function reasons(item) {
  if (item.state === "failed") return [[item.problem.title, item.problem.detail].filter(Boolean).join(": ")];
  const { outcome, reasons: given } = item.report;
  if (outcome === "done" && given.length) return [`Good enough, but: ${given.join("; ")}.`];
  // the command line's options mean nothing here: the buttons beside do the same
  return given.map((text) => capital(text.replace(/ ?\((--)?[a-z]+[-_][a-z]+\)/g, "").replace(/: the same person under.*accept the conflict$/, "").replace(/: somebody else\? If not, accept the conflict$/, "").replace(/: cut the photo, or take the main face$/, "")));
}

function remedies(item, again) {
  if (item.state === "failed") return [button("Send again", () => again(item, {}), { kind: "small", drawing: "again" })];
  const { outcome, conflict } = item.report;
  const one = (text, options, subject) => button(text, () => again(item, options, subject), { kind: "small", "aria-label": `${text}: ${item.subject}, ${item.file.name}` });
  if (outcome === "conflict") {
    return [conflict && one(`Same person: add to ${conflict}`, {}, conflict), one("Two people: enrol", { accept_conflict: "true" })].filter(Boolean);
  }
  if (outcome === "unlike") return [one("Enrol anyway", { accept_conflict: "true" })];
  if (outcome === "several faces") return [one("Take the main face", { main_face: "true" })];
  if (outcome === "poor quality") return [one("Enrol anyway", { accept_poor: "true" })];
  return [];
}
