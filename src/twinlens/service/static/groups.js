// Faces of an album, grouped by person -> groups that get a name.

import { get, send } from "/static/api.js";
import { button, h, icon, say, show } from "/static/dom.js";
import { inGallery, ofSubject } from "/static/galleries.js";
import { noteBox, problemBox, progressBar } from "/static/notes.js";
import { problemOf, stopped } from "/static/problems.js";
import { placeOf } from "/static/shelf.js";
import { count, number } from "/static/words.js";

const TAG = "person"; // the tag of a face that holds the name somebody gave it
const FACES = 8; // drawn of a group
const GROUPS = 30; // drawn at once
const PAGE = 1000;

/** Make the part; album() names the album, shelf() holds the photos that this page was shown. */
export function groupsBox({ album, shelf }) {
  const place = h("div.stack");
  const element = h("section.sheet", { "aria-labelledby": "groups-title" }, h("h2", { id: "groups-title", text: "Who is in it?" }), place);
  const sight = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      sight.unobserve(target);
      fill(target);
    }
  });
  let work = null;
  reset();

  function reset() {
    work?.abort();
    show(place, h("div.row", {}, button("Group the faces", group, { drawing: "people" }), h("span.hint", { text: "Puts faces of one person together, for you to name." })));
  }

  async function group() {
    work = new AbortController();
    const { signal } = work;
    const progress = progressBar("Grouping the faces …", { stop: reset });
    show(place, progress.element);
    progress.element.querySelector("button").focus();
    try {
      const [{ clusters }, names] = await Promise.all([get(inGallery(album(), "clusters"), { signal }), namesOf(album(), signal)]);
      draw(clusters, names);
    } catch (error) {
      if (!stopped(error)) show(place, problemBox(problemOf(error), { retry: group }));
    }
  }

  function draw(clusters, names) {
    const many = clusters.filter((one) => one.members.length > 1);
    const alone = clusters.filter((one) => one.members.length === 1);
    const told = clusters.length ? `${count(many.length, "group")}, and ${count(alone.length, "face")} seen once` : "There are no faces yet.";
    show(
      place,
      h("p.result-count", { tabindex: -1, text: told }),
      shelf().empty && clusters.length > 0 && noteBox("The service keeps no photos. Show this page the folder of the collection, above, to see the faces."),
      some(many, names, GROUPS),
      alone.length > 0 && h("details", {}, h("summary", { text: `Seen once: ${number(alone.length)}` }), some(alone, names, GROUPS)),
      button("Group again", group, { drawing: "again" }),
    );
    place.querySelector(".result-count").focus();
    say(told);
  }

  function some(clusters, names, most) {
    const part = h("div.clusters");
    const wrap = h("div.stack", {}, part);
    const next = (from) => {
      part.append(...clusters.slice(from, from + most).map((one) => cluster(one, names)));
      if (from + most >= clusters.length) return;
      const more = button(`Show ${number(Math.min(most, clusters.length - from - most))} more`, () => {
        more.remove();
        next(from + most);
      });
      wrap.append(more);
    };
    next(0);
    return wrap;
  }

  function cluster({ members }, names) {
    const known = common(members.map((member) => names.get(member)));
    const title = h("h3", { text: known ?? "Nobody has named them yet" });
    const name = h("input", { autocomplete: "off", maxlength: 200, placeholder: "Name", value: known ?? "", "aria-label": `Name of the person in ${count(members.length, "face")}` });
    const status = h("div", { role: "status" });
    const go = button("Keep the name", keep, { kind: "small primary" });
    const photos = new Set(members.map((member) => placeOf(member)[0]));

    async function keep() {
      const wanted = name.value.trim();
      const progress = progressBar("Keeping the name …");
      show(status, progress.element);
      go.disabled = true;
      let done = 0;
      try {
        for (const member of members) {
          if (names.get(member) !== (wanted || undefined)) await send("PATCH", ofSubject(album(), member), { json: { tags: { [TAG]: wanted } } });
          if (wanted) names.set(member, wanted);
          else names.delete(member);
          done += 1;
          progress.set(done, members.length, `${number(done)} of ${count(members.length, "face")}`);
        }
        title.textContent = wanted || "Nobody has named them yet";
        show(status, h("p.hint.good", { text: wanted ? `Kept: ${wanted}.` : "The name was taken off." }));
      } catch (error) {
        show(status, problemBox(problemOf(error), { retry: keep })); // it goes on where it stopped
      } finally {
        go.disabled = false;
      }
    }

    return h(
      "section.cluster",
      {},
      h("div.row.between", {}, title, h("span.hint", { text: `${count(members.length, "face")} in ${count(photos.size, "photo")}` })),
      h("div.cluster-faces", {}, members.slice(0, FACES).map(thumb), members.length > FACES && h("span.chip", { text: `and ${number(members.length - FACES)} more` })),
      h("details", {}, h("summary.hint", { text: "Names of the photos" }), h("ul", {}, [...photos].map((photo) => h("li.hint", { text: photo })))),
      h("form.row", { on: { submit: (event) => { event.preventDefault(); keep(); } } }, h("div.grow", {}, name), go),
      status,
    );
  }

  function thumb(member) {
    const blank = h("span.face-thumb.blank", { title: member, dataset: { member } }, icon("people"));
    if (shelf().photo(member)) sight.observe(blank);
    return blank;
  }

  async function fill(blank) {
    try {
      const found = await shelf().face(blank.dataset.member);
      if (found) blank.replaceWith(h("img.face-thumb", { src: found.face.crop, alt: `Face in ${placeOf(blank.dataset.member)[0]}`, title: blank.dataset.member }));
    } catch {
      // a picture that is missing is only less to look at; the names of the photos stand below
    }
  }

  return { element, reset };
}

/** Names that were given to faces, by face. */
async function namesOf(album, signal) {
  const names = new Map();
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: String(PAGE), ...(cursor && { cursor }) });
    const page = await get(`${inGallery(album, "subjects")}?${query}`, { signal });
    for (const one of page.items) if (one.tags?.[TAG]) names.set(one.name, one.tags[TAG]);
    cursor = page.next_cursor;
  } while (cursor);
  return names;
}

/** The name that most of the named have; null where nobody has one. */
function common(given) {
  const counts = new Map();
  for (const name of given) if (name) counts.set(name, (counts.get(name) ?? 0) + 1);
  const best = [...counts].sort((one, other) => other[1] - one[1])[0];
  return best ? best[0] : null;
}
