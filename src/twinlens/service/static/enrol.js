// The part of *People* that enrols: drop a folder, look at the plan, watch it happen, settle what is left.

import { button, fresh, h, say, show } from "/static/dom.js";
import { enrolAll, Item } from "/static/enrolment.js";
import { byPerson } from "/static/files.js";
import { folderWell } from "/static/folderwell.js";
import { noteBox, problemBox, progressBar } from "/static/notes.js";
import { outcomeLine } from "/static/outcomes.js";
import { byName, count, listed, number } from "/static/words.js";

const SHOWN = 200; // lines of a report that are drawn at once

/** Make the part; gallery() names the gallery, onEnrolled() is called when somebody was enrolled. */
export function enrolBox({ gallery, onEnrolled }) {
  const place = h("div.stack");
  const element = h("section.sheet", { "aria-labelledby": "enrol-title" }, h("h2", { id: "enrol-title", tabindex: "-1", text: "Enrol people" }), place);
  const well = folderWell({ element, folder: "Folder of people", files: "Photos of one person", onFiles: plan });
  let items = [];
  start();

  function start() {
    items = [];
    show(place, well.area("Drop a folder with one folder a person, or photos of one person", "The names of the folders become the names of the people. One good photo each is enough."));
  }

  /** Show who would be enrolled, before anything is sent. */
  function plan(found) {
    const { people, loose, skipped } = byPerson(found);
    if (!people.size && !loose.length) {
      start();
      place.prepend(noteBox(skipped.length ? `No photos among ${count(skipped.length, "file")}. JPEG, PNG, WebP, TIFF and HEIC photos work.` : "That folder is empty.", { kind: "bad" }));
      say("No photos were found.", true);
      return;
    }
    const who = h("input", { autocomplete: "off", maxlength: 200, id: fresh("who") });
    const names = [...people.keys()].sort(byName);
    const total = loose.length + names.reduce((sum, name) => sum + people.get(name).length, 0);
    const options = optionBoxes();
    const trouble = h("div", { role: "alert" });
    show(
      place,
      names.length > 0 && h("p.result-count", { text: `${count(names.length, "person", "people")}, ${count(total - loose.length, "photo")}` }),
      names.length > 0 && h("ul.list.scroll.plan", { tabindex: 0, "aria-label": "Who would be enrolled" }, names.map((name) => h("li", {}, h("span.grow.name", { text: name }), h("span.hint", { text: count(people.get(name).length, "photo") })))),
      loose.length > 0 && h("div.field", {}, h("label", { for: who.id, text: `Whose ${loose.length === 1 ? `photo is ${loose[0].name}` : `are the ${count(loose.length, "photo")}`}?` }), who, h("p.hint", { text: "The name to enrol this person under." })),
      skipped.length > 0 && h("p.hint", { text: `Left out, because they are not photos: ${listed(skipped, 4)}.` }),
      options.element,
      trouble,
      h("div.row", {}, button(`Enrol ${count(total, "photo")}`, () => go(), { kind: "primary" }), button("Start over", start, { kind: "ghost" })),
    );
    (loose.length ? who : place.querySelector("button.primary")).focus();
    say(`${count(total, "photo")} of ${count(names.length + (loose.length ? 1 : 0), "person", "people")} to enrol.`);

    function go() {
      if (loose.length && !who.value.trim()) {
        show(trouble, noteBox("Say whose photos they are.", { kind: "bad" }));
        who.focus();
        return;
      }
      items = [...names.flatMap((name) => people.get(name).map((file) => new Item(name, file))), ...loose.map((file) => new Item(who.value.trim(), file))];
      run(options.value());
    }
  }

  async function run(options) {
    const work = new AbortController();
    const waiting = items.filter((item) => item.state !== "done").length;
    const progress = progressBar("Enrolling …", { stop: () => work.abort() });
    const tally = h("p.hint", { "aria-live": "off" });
    const into = gallery();
    let done = 0;
    well.busy = true;
    show(place, progress.element, tally);
    progress.set(0, waiting, `0 of ${count(waiting, "photo")}`);
    progress.element.querySelector("button").focus();
    let problem = null;
    try {
      await enrolAll(into, items, {
        ...options,
        signal: work.signal,
        onItem: () => {
          done += 1;
          progress.set(done, waiting, `${number(done)} of ${count(waiting, "photo")}`);
          tally.textContent = `${number(items.filter((item) => item.good).length)} enrolled so far`;
          if (done % 24 === 0) say(`${number(done)} of ${number(waiting)} photos.`);
        },
      });
    } catch (error) {
      problem = error;
    } finally {
      well.busy = false;
    }
    if (items.some((item) => item.good)) onEnrolled();
    report(options, problem, work.signal.aborted);
  }

  function report(options, problem = null, wasStopped = false) {
    const good = items.filter((item) => item.good);
    const left = items.filter((item) => item.state !== "done");
    const odd = items.filter((item) => item.state === "done" && !item.good);
    const told = [`${count(good.length, "photo")} enrolled`, odd.length && `${number(odd.length)} not enrolled`, left.length && `${number(left.length)} not sent`].filter(Boolean).join(", ");
    show(
      place,
      problem && problemBox(problem),
      wasStopped && noteBox("Stopped. What is enrolled stays; the rest can be sent on: photos that are there already are recognised.", { kind: "plain" }),
      h("p.result-count", { tabindex: -1, text: `${told}.` }),
      left.length > 0 && button(`Send ${left.length === 1 ? "the one" : `the ${number(left.length)}`} that ${left.length === 1 ? "is" : "are"} left`, () => run(options), { kind: "primary", drawing: "again" }),
      lines(odd, "What needs a look", options),
      good.length > 0 && h("details", {}, h("summary", { text: `Enrolled: ${number(good.length)}` }), lines(good, null, options)),
      button("Enrol more", start, { drawing: "plus" }),
    );
    place.querySelector(".result-count").focus();
    say(told);
  }

  function lines(some, title, options) {
    if (!some.length) return null;
    return h(
      "section",
      {},
      title && h("h3", { text: title }),
      h("ul.list.scroll", { tabindex: 0, "aria-label": title ?? "Enrolled photos" }, some.slice(0, SHOWN).map((item) => outcomeLine(item, (one, more, subject) => once(one, { ...options, ...more }, subject, options)))),
      some.length > SHOWN && h("p.hint", { text: `and ${number(some.length - SHOWN)} more` }),
    );
  }

  async function once(item, more, subject, options) {
    if (subject) item.subject = subject;
    item.state = "waiting";
    show(place, progressBar(`${item.subject}: ${item.file.name} …`).element);
    let problem = null;
    well.busy = true;
    try {
      await enrolAll(gallery(), [item], more);
    } catch (error) {
      problem = error;
    } finally {
      well.busy = false;
    }
    if (item.good) onEnrolled();
    report(options, problem);
  }

  return { element, reset: start };
}

function optionBoxes() {
  const box = (name, text) => h("label.check", {}, h("input", { type: "checkbox", name }), h("span", { text }));
  const element = h("details", {}, h("summary", { text: "What to let pass" }), h("div.stack", {}, box("main_face", "Where a photo shows several people, take the large one in the middle"), box("accept_poor", "Enrol faces of poor quality too"), box("accept_conflict", "Enrol faces although they look like somebody else")));
  return {
    element,
    value: () => Object.fromEntries(Array.from(element.querySelectorAll("input:checked"), (input) => [input.name, "true"])),
  };
}
