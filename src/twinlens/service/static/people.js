// People: who is enrolled; enrol, look, rename, merge, delete; and what is wrong in the gallery.

import { get } from "/static/api.js";
import { doctorBox } from "/static/doctor.js";
import { button, field, h, show } from "/static/dom.js";
import { enrolBox } from "/static/enrol.js";
import { galleryPicker, inGallery } from "/static/galleries.js";
import { emptyPlace, noteBox, problemBox } from "/static/notes.js";
import { openPerson } from "/static/person.js";
import { problemOf, stopped } from "/static/problems.js";
import { count, number } from "/static/words.js";

const PAGE = 50;
const TYPING_MS = 250;

/** Make the page. */
export function peoplePage() {
  const picker = galleryPicker({ kind: "people", onChange: changed });
  const enrol = enrolBox({ gallery: picker.value, onEnrolled: () => list() });
  const doctor = doctorBox({ gallery: picker.value, onChanged: heard });
  const search = h("input", { type: "search", autocomplete: "off", on: { input: typed } });
  const told = h("p.hint", { role: "status" });
  const news = h("div", { role: "status" });
  const people = h("ul.list", { "aria-label": "People" });
  const more = h("div.row.centre");
  const roll = h("section.sheet", { "aria-labelledby": "roll-title" }, h("h2", { id: "roll-title", text: "Who is enrolled" }), news, field("Look for a name", search), told, people, more);
  const body = h("div.stack", { hidden: true }, h("div.columns", {}, roll, enrol.element), doctor.element);
  const element = h("article.page", {}, h("header.head", {}, h("h1", { tabindex: "-1", text: "People" }), h("p.lead", { text: "Who the service knows. It keeps numbers made of faces, never the photos." })), picker.element, body);
  let asking = null;
  let timer = null;

  function changed(name) {
    body.hidden = !name;
    enrol.reset();
    doctor.reset();
    search.value = "";
    show(news);
    if (name) list();
  }

  function typed() {
    clearTimeout(timer);
    timer = setTimeout(() => list(), TYPING_MS);
  }

  /** Read the list from its start, or its next page. */
  async function list(cursor = null) {
    asking?.abort();
    const mine = (asking = new AbortController());
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (search.value.trim()) query.set("q", search.value.trim());
    if (cursor) query.set("cursor", cursor);
    people.setAttribute("aria-busy", "true");
    try {
      const page = await get(`${inGallery(picker.value(), "subjects")}?${query}`, { signal: mine.signal });
      draw(page, cursor);
    } catch (error) {
      if (stopped(error)) return;
      show(more, problemBox(problemOf(error), { retry: () => list(cursor) }));
    } finally {
      if (asking === mine) people.removeAttribute("aria-busy");
    }
  }

  function draw({ items, next_cursor: next }, cursor) {
    if (!cursor) people.replaceChildren();
    const before = people.childElementCount;
    people.append(...items.map(line));
    const shown = people.childElementCount;
    told.textContent = shown ? `${number(shown)}${next ? " of more" : ""} shown` : "";
    show(more, next && button("Show more", () => list(next)), !shown && emptyPlace(search.value ? "Nobody of that name." : "Nobody is enrolled yet. Drop a folder, or photos of one person."));
    if (cursor) people.children[before]?.querySelector("button").focus();
  }

  function line(person) {
    const open = button("Open", () => look(person), { kind: "small", "aria-label": `Open ${person.name}`, "aria-haspopup": "dialog" });
    return h("li", {}, h("span.face-thumb.blank", { "aria-hidden": "true", text: initials(person.name) }), h("div.grow", {}, h("span.name", { text: person.name }), h("span.row.tight.hint", {}, count(person.templates, "photo")), tagChips(person.tags)), open);
  }

  async function look(person) {
    const said = await openPerson(picker.value(), person);
    if (said) await heard(said);
  }

  /** Somebody was changed: say what there is to say, and read the list again. */
  function heard(said) {
    show(news, typeof said === "string" && noteBox(said, { kind: "good", drawing: "yes" }));
    return list();
  }

  return { element, shown: () => picker.value() && list() };
}

function tagChips(tags) {
  const entries = Object.entries(tags ?? {});
  return entries.length ? h("span.chips", {}, entries.map(([key, value]) => h("span.chip", { text: `${key}: ${value}` }))) : null;
}

function initials(name) {
  const words = name.split(/[\s_.-]+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => Array.from(word ?? "")[0] ?? "").join("").toUpperCase();
}
