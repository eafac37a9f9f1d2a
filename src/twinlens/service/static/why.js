// Why? -> which parts of the two faces the answer rests on; on request, because it takes seconds.

import { lines, request } from "/static/api.js";
import { button, h, say, show } from "/static/dom.js";
import { capital, problemBox, progressBar } from "/static/notes.js";
import { Problem, problemOf, stopped } from "/static/problems.js";

const WORDS = "Covering the faces bit by bit and looking again …";

/** Offer the question; form() makes the request of the pair that is on the page. */
export function whyBox(form) {
  const place = h("div");
  const element = h("section.why", { "aria-label": "Why?" }, place);
  offer();

  function offer() {
    show(place, h("div.row", {}, button("Why this answer?", ask, { drawing: "unsure" }), h("span.hint", { text: "Covers the faces bit by bit and looks again: some seconds." })));
  }

  async function ask() {
    const work = new AbortController();
    const progress = progressBar(WORDS, { stop: () => work.abort() });
    show(place, progress.element);
    progress.element.querySelector("button").focus();
    try {
      const answered = await request("POST", "explain", { form: form(), signal: work.signal, accept: "application/x-ndjson" });
      for await (const line of lines(answered)) {
        if (line.decision) draw(line);
        else if (line.total) progress.set(line.done, line.total, `${WORDS} ${Math.floor((100 * line.done) / line.total)} %`);
        else throw new Problem(line.status ?? 500, line);
      }
      if (progress.element.isConnected) throw new Problem(0, {}); // the service went away in between
    } catch (error) {
      if (stopped(error)) offer();
      else show(place, problemBox(problemOf(error), { retry: ask }));
    }
  }

  function draw(answer) {
    const texts = (Array.isArray(answer.text) ? answer.text : String(answer.text ?? "").split("\n")).filter((line) => line.trim());
    show(
      place,
      h("h3", { text: "Why this answer", tabindex: "-1" }),
      h("div.maps", {}, [["First photo", answer.left_map], ["Second photo", answer.right_map]].map(([name, map]) => h("figure", {}, h("img", { src: map, alt: `${name}: the face with the parts marked that the answer rests on; the same in words below` }), h("figcaption", { text: name })))),
      h("ul.legend", {}, h("li.for", { text: "makes the two more alike" }), h("li.against", { text: "makes them less alike" })),
      texts.map((line) => h("p", { text: `${capital(line)}.` })),
    );
    place.querySelector("h3").focus();
    say("The explanation is there.");
  }

  return element;
}
