// How many strangers may pass: one plain choice, the same on every page.

import { fresh, h } from "/static/dom.js";

const PAIR = [
  { value: "0.01", name: "Relaxed", meaning: "1 in 100 strangers passes" },
  { value: "0.001", name: "Usual", meaning: "1 in 1,000 strangers passes" },
  { value: "0.0001", name: "Strict", meaning: "1 in 10,000 strangers passes" },
  { value: "0.00001", name: "Very strict", meaning: "1 in 100,000 strangers passes" },
];
/** For a search: without a rate of its own the service's rate of searches holds, whatever the size of the gallery.
 * A fixed rate is looser than that in a large gallery and stricter in one of less than ten photos: it has no other name. */
export const SEARCH = [
  { value: "", name: "Usual", meaning: "follows the gallery's size" },
  { value: "0.001", name: "1 in 1,000", meaning: "strangers for each photo enrolled" },
  { value: "0.00001", name: "1 in 100,000", meaning: "strangers for each photo enrolled" },
];

/**
 * Offer the choice.
 *
 * @param {object} options  choices: value is the target_fmr, "" for none; chosen; onChange
 * @returns {{element: HTMLElement, value: () => string}}
 */
export function strictnessChoice({ legend = "How strict?", choices = PAIR, chosen = "0.001", onChange = () => {} } = {}) {
  const name = fresh("strictness");
  const element = h(
    "fieldset.choice.strictness",
    {},
    h("legend", { text: legend }),
    h("div.choices", {}, choices.map((one) =>
      h("label", {}, h("input", { type: "radio", name, value: one.value, checked: one.value === chosen, on: { change: () => onChange(one.value) } }), h("span", {}, h("b", { text: one.name }), h("small", { text: one.meaning }))),
    )),
  );
  return { element, value: () => element.querySelector("input:checked").value };
}
