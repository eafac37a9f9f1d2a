// Why? -> which parts of the two faces the answer rests on; on request, because it takes seconds.

import { send } from "/static/api.js";
import { button, h, say, show } from "/static/dom.js";
import { capital, problemBox, progressBar } from "/static/notes.js";
import { problemOf, stopped } from "/static/problems.js";

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
    const started = Date.now();
    const progress = progressBar("Covering the faces bit by bit and looking again …", { stop: () => work.abort() });
    show(place, progress.element);
    progress.element.querySelector("button").focus();
    const clock = setInterval(() => progress.text(`Covering the faces bit by bit and looking again … ${Math.round((Date.now() - started) / 1000)} s`), 1000);
    try {
      const answer = await send("POST", "explain", { form: form(), signal: work.signal });
      draw(answer);
    } catch (error) {
      if (stopped(error)) offer();
      else show(place, problemBox(problemOf(error), { retry: ask }));
    } finally {
      clearInterval(clock);
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
