// One person of a gallery: look, rename, tag, merge, delete with a receipt.

import { get, send } from "/static/api.js";
import { openDialog } from "/static/dialog.js";
import { button, field, fresh, h, say } from "/static/dom.js";
import { inGallery, ofSubject } from "/static/galleries.js";
import { noteBox } from "/static/notes.js";
import { Problem } from "/static/problems.js";
import { showReceipt } from "/static/receipt.js";
import { count, number, when } from "/static/words.js";

/** Show a person; true where something was changed, or what a person should be told of it. */
export async function openPerson(gallery, person) {
  const name = h("input", { value: person.name, autocomplete: "off", maxlength: 200 });
  const tags = h("textarea", { rows: 3, spellcheck: "false", autocomplete: "off" });
  tags.value = Object.entries(person.tags ?? {}).map(([key, value]) => `${key}: ${value}`).join("\n");
  let next = null;
  const then = (step) => () => {
    next = step;
    name.closest("dialog").close();
  };
  const saved = await openDialog(
    person.name,
    [
      h("dl.facts", {}, [["Photos", count(person.templates, "photo")], ["Enrolled", when(person.created_at)], ["From", lines(person.sources ?? [], 8)]].filter(([, value]) => value.length).map(([what, value]) => h("div", {}, h("dt", { text: what }), h("dd", {}, value)))),
      field("Name", name),
      field("Tags", tags, "One a line, as team: north."),
      h("div.row", {}, button("Merge with …", then("merge"), { drawing: "merge", kind: "small" }), button("Delete …", then("delete"), { drawing: "bin", kind: "small danger" })),
    ],
    {
      action: "Keep the changes",
      dismiss: "Close",
      onAction: async () => {
        const change = {};
        if (name.value.trim() !== person.name) change.name = name.value.trim();
        const wanted = parsed(tags.value);
        const lost = Object.keys(person.tags ?? {}).filter((key) => !(key in wanted));
        const differ = Object.entries(wanted).filter(([key, value]) => person.tags?.[key] !== value);
        if (lost.length || differ.length) change.tags = Object.fromEntries([...lost.map((key) => [key, ""]), ...differ]);
        if (!Object.keys(change).length) return false;
        await send("PATCH", ofSubject(gallery, person.name), { json: change });
        say("Kept.");
        return true;
      },
    },
  );
  if (next === "merge") return mergePerson(gallery, person.name);
  if (next === "delete") return deletePerson(gallery, person.name);
  return saved ?? false;
}

/** Names one below the other: they hold blanks and are long. */
function lines(names, most) {
  const shown = names.length > most ? [...names.slice(0, most), `and ${number(names.length - most)} more`] : names;
  return shown.map((text) => h("span.source", { text }));
}

/** Ask whom a person is the same as, and merge; what was done, in words, or false. */
export async function mergePerson(gallery, name, into = "") {
  const other = h("input", { value: into, autocomplete: "off" });
  const names = suggestions(gallery, other, name);
  const merged = await openDialog(`Merge ${name} with somebody`, [h("p", { text: `All photos of ${name} go to the other person, whose name stays.` }), field("The other person", other), names], {
    action: "Merge",
    onAction: async () => {
      const wanted = other.value.trim();
      if (!wanted || wanted === name) throw new Problem(422, { error: "OptionError", detail: "Give the name of the other person, as it stands in the list." });
      return send("POST", ofSubject(gallery, name, "merge"), { json: { into: wanted }, harmless: false });
    },
  });
  return merged ? `${name} was merged: ${count(merged.moved, "photo")} went to ${merged.subject}, who has ${number(merged.templates)} now.` : false;
}

/** Ask, erase, and show the receipt; true where it was done. */
export async function deletePerson(gallery, name) {
  const receipt = await openDialog(`Delete ${name}?`, [noteBox("Erased for good, and looked for afterwards. Your photos are not touched.", { kind: "bad" })], {
    action: "Erase",
    danger: true,
    onAction: () => send("DELETE", ofSubject(gallery, name), { harmless: false }),
  });
  if (!receipt) return false;
  await showReceipt(`${name} was erased`, receipt);
  return true;
}

/** Names that are enrolled, offered while somebody types. */
export function suggestions(gallery, input, without = null) {
  const list = h("datalist", { id: fresh("names") });
  input.setAttribute("list", list.id);
  let asked = null;
  const ask = async () => {
    const typed = input.value.trim();
    if (typed === asked) return;
    asked = typed;
    try {
      const { items } = await get(`${inGallery(gallery, "subjects")}?${new URLSearchParams({ limit: "20", ...(typed && { q: typed }) })}`);
      list.replaceChildren(...items.filter((one) => one.name !== without).map((one) => h("option", { value: one.name })));
    } catch {
      // suggestions are a help only; what is sent is told when it fails
    }
  };
  input.addEventListener("input", ask);
  ask();
  return list;
}

function parsed(text) {
  const tags = {};
  for (const line of text.split("\n")) {
    if (!line.trim()) continue;
    const [key, ...rest] = line.split(":");
    const value = rest.join(":").trim();
    if (!key.trim() || !value) throw new Problem(422, { error: "OptionError", detail: `A tag is written as team: north; this line is not: ${line.trim()}` });
    tags[key.trim()] = value;
  }
  return tags;
}
