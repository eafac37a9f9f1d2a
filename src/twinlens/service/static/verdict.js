// An answer of /v1/verify -> what a person reads: a verdict, what the figures mean, and where the score lies.

import { h, icon } from "/static/dom.js";
import { capital } from "/static/notes.js";
import { oneIn, percent, similarity, strangers } from "/static/words.js";

const LOW = -0.2; // strangers seldom score less
const HIGH = 1;

/** Which of the three things can be said. */
export function verdictOf(answer) {
  const choice = answer.fmr === null || answer.fmr === undefined ? "" : `: at this choice ${oneIn(answer.fmr)} strangers passes`;
  if (answer.accepted) return { kind: "same", drawing: "yes", title: "The same person", text: `Alike enough${choice}.` };
  if (answer.probability !== null && answer.probability >= 0.5) {
    return { kind: "unsure", drawing: "unsure", title: "Perhaps the same person", text: `Alike, but not enough for a yes${choice}.` };
  }
  return { kind: "different", drawing: "no", title: "Not the same person", text: `Not alike enough${choice}.` };
}

/** Draw the verdict: two lenses, which meet where the answer is yes. */
export function verdictBox(answer, crops) {
  const verdict = verdictOf(answer);
  return h(
    `div.verdict.${verdict.kind}`,
    {},
    h("div.lenses", { "aria-hidden": "true" }, crops.map((crop) => h("div.lens", {}, crop ? h("img", { src: crop, alt: "" }) : null))),
    h(
      "div.said",
      {},
      h("h2.verdict-title", { tabindex: "-1" }, icon(verdict.drawing), h("span", { text: verdict.title })),
      h("p", { text: verdict.text }),
      meaning(answer),
    ),
  );
}

function meaning(answer) {
  const lines = [];
  const likely = percent(answer.probability);
  if (likely) lines.push(h("li", {}, h("b", { text: capital(likely) }), ` likely to be one person, if it was even odds before looking.`));
  const many = strangers(answer.strangers_above, answer.strangers_bound);
  if (many) lines.push(h("li", {}, h("b", { text: many }), " strangers would score this high."));
  if (!likely) lines.push(h("li", { text: "How likely it is cannot be said: the model was not calibrated." }));
  return h("ul.meaning", {}, lines);
}

/** Draw the similarity on its scale, beside the threshold. */
export function scaleBox(answer) {
  const told = `Similarity ${similarity(answer.score)}; yes from ${similarity(answer.threshold)} on.`;
  const mark = h("i.scale-mark");
  const bar = h("i.scale-yes");
  place(mark, answer.score);
  const from = share(answer.threshold);
  bar.style.left = `${from}%`;
  bar.style.width = `${100 - from}%`;
  const tick = h("span.scale-from", { text: `yes from ${similarity(answer.threshold)}` });
  tick.style.left = `${from}%`;
  const here = h("span.scale-here", { text: similarity(answer.score) });
  here.style.left = `clamp(1.5rem, ${share(answer.score)}%, 100% - 1.5rem)`; // its digits stay inside
  return h("div.scale", { role: "img", "aria-label": told }, h("div.scale-line", { "aria-hidden": "true" }, bar, mark, here, tick), h("div.row.between.scale-ends", { "aria-hidden": "true" }, h("span", { text: "unlike" }), h("span", { text: "alike" })));
}

function share(score) {
  return Math.round(1000 * Math.min(1, Math.max(0, (score - LOW) / (HIGH - LOW)))) / 10;
}

function place(element, score) {
  element.style.left = `${share(score)}%`;
}

/** The figures, for who wants them. */
export function figures(answer) {
  const rows = [
    ["Similarity", similarity(answer.score)],
    ["Threshold", similarity(answer.threshold)],
    ["Strangers accepted at this threshold (FMR)", answer.fmr === null || answer.fmr === undefined ? "not measured" : oneIn(answer.fmr)],
    ["Probability, from even odds", percent(answer.probability) ?? "not calibrated"],
    ["Model", answer.model],
  ];
  return h("details.figures", {}, h("summary", { text: "Figures" }), h("dl", {}, rows.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", { text: name }), h("dd", { text: value })))));
}
