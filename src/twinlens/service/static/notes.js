// Problems, progress and empty places, drawn the same way everywhere.

import { button, fresh, h, icon } from "/static/dom.js";

/** A problem in plain words, with what to do, and a button to try again. */
export function problemBox(problem, { retry = null, label = "Try again" } = {}) {
  return h(
    "div.note.bad",
    {},
    icon("note"),
    h(
      "div",
      {},
      h("p.strong", { text: problem.title }),
      problem.detail && h("p", { text: problem.detail }),
      h("p", { text: problem.todo }),
      problem.status >= 500 && problem.request && h("p.hint", { text: `Number of the request: ${problem.request}` }),
      retry && button(label, retry, { drawing: "again" }),
    ),
  );
}

/** Something worth knowing. */
export function noteBox(text, { kind = "plain", drawing = "note" } = {}) {
  return h(`div.note.${kind}`, {}, icon(drawing), h("p", { text }));
}

/** Reasons why a face is poor; nothing where it is good. */
export function qualityHints(quality) {
  const reasons = quality?.reasons ?? [];
  if (!reasons.length) return null;
  return h("ul.hints", {}, reasons.map((reason) => h("li", {}, icon("note"), h("span", { text: capital(reason) }))));
}

/** "too dark" -> "Too dark". */
export function capital(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : text;
}

/**
 * Progress of long work, with a button to stop it.
 *
 * @returns {{element: HTMLElement, set: (done: number, of: number, text: string) => void, text: (text: string) => void}}
 */
export function progressBar(label, { stop = null, stopLabel = "Stop" } = {}) {
  const id = fresh("progress");
  const words = h("span", { id, text: label });
  const bar = h("progress", { "aria-labelledby": id });
  const element = h("div.progress", {}, h("div.row.between", {}, words, stop && button(stopLabel, stop, { kind: "small" })), bar);
  return {
    element,
    set(done, of, text = label) {
      bar.max = Math.max(of, 1);
      bar.value = done;
      words.textContent = text;
    },
    text(text) {
      words.textContent = text;
    },
  };
}

/** A calm line where there is nothing yet. */
export function emptyPlace(text, ...more) {
  return h("div.empty", {}, lenses(), h("p", { text }), more);
}

function lenses() {
  return h("div.empty-lenses", { "aria-hidden": "true" }, h("i"), h("i"));
}
