// A face on a photo -> a person of a gallery, under the name that somebody gives.

import { openDialog } from "/static/dialog.js";
import { field, h, say, show } from "/static/dom.js";
import { enrolOne } from "/static/enrolment.js";
import { capital } from "/static/notes.js";
import { suggestions } from "/static/person.js";
import { cutOut } from "/static/photo.js";
import { Problem } from "/static/problems.js";

const PASSABLE = { conflict: "accept_conflict", unlike: "accept_conflict", "poor quality": "accept_poor", "several faces": "main_face" };
const WHY = {
  conflict: ["This face is enrolled already, under another name", "Two people? Tick below. The same person? Take the other name."],
  unlike: ["This does not look like the person's other photos", "Is it really the same person? Then tick below."],
  "poor quality": ["The face is too poor to be found by later", "A better photo is best. Or tick below."],
  "no face": ["No face was found in the part that was cut out", "Enrol this person from another photo, under People."],
  "several faces": ["Another face is too close", "Tick below to take the one in the middle."],
  unreadable: ["The part that was cut out cannot be read", "Enrol this person from the photo itself, under People."],
};

/** Ask for the name and enrol; true where it was done. */
export async function enrolFace({ gallery, photo, face, seen, name = "" }) {
  const who = h("input", { autocomplete: "off", maxlength: 200, value: name });
  const anyway = h("div");
  let passed = {};
  const done = await openDialog(
    name ? `Add this photo to ${name}` : "Who is this?",
    [h("div.row", {}, h("img.face-thumb", { src: face.crop, alt: "The face", width: 64, height: 64 }), h("p.hint", { text: `Goes to the gallery ${gallery}. Only this face is cut out and sent.` })), field("Name", who), suggestions(gallery, who), anyway],
    {
      action: "Enrol",
      onAction: async () => {
        if (!who.value.trim()) throw new Problem(422, { error: "OptionError", detail: "Give a name." });
        const ticked = anyway.querySelector("input")?.checked;
        const report = await enrolOne(gallery, who.value.trim(), await cutOut(photo, face, seen), ticked ? passed : {});
        if (report.outcome === "done" || report.outcome === "already enrolled") return report;
        passed = { ...passed, [PASSABLE[report.outcome]]: "true" };
        if (PASSABLE[report.outcome]) show(anyway, h("label.check", {}, h("input", { type: "checkbox" }), h("span", { text: "Enrol all the same" })));
        throw refused(report);
      },
    },
  );
  if (done) say(`${who.value.trim()} is enrolled.`);
  return Boolean(done);
}

function refused(report) {
  const [title, todo] = WHY[report.outcome] ?? [capital(report.outcome), "Try another photo."];
  const problem = new Problem(422, { detail: report.conflict ? `It looks like ${report.conflict}.` : report.reasons.map(capital).join(" ") });
  problem.title = title;
  problem.todo = todo;
  return problem;
}
