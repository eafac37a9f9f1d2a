// Which gallery: chosen, made, kept for so long, deleted with a receipt.

import { get, segment, send } from "/static/api.js";
import { openDialog } from "/static/dialog.js";
import { button, field, h, say, show } from "/static/dom.js";
import { noteBox, problemBox } from "/static/notes.js";
import { Problem, problemOf } from "/static/problems.js";
import { showReceipt } from "/static/receipt.js";
import { count } from "/static/words.js";

const CHANGED = "twinlens-galleries"; // an event: another page made or deleted one
const WORDS = {
  people: { one: "Gallery", make: "New gallery", first: "people", hint: "A gallery holds who is enrolled, by name." },
  album: { one: "Album", make: "New album", first: "photos", hint: "An album holds every face of a photo collection, to be searched, grouped and named." },
};

/** A path of the REST interface under a gallery. */
export function inGallery(name, rest = "") {
  return `galleries/${segment(name)}${rest ? `/${rest}` : ""}`;
}

/** A path under a subject of a gallery. */
export function ofSubject(gallery, subject, rest = "") {
  return inGallery(gallery, `subjects/${segment(subject)}${rest ? `/${rest}` : ""}`);
}

/**
 * Offer the galleries of a kind.
 *
 * @param {object} options  kind: people or album; onChange(name or ""): another one was chosen
 * @returns {{element: HTMLElement, value: () => string, refresh: () => Promise<void>}}
 */
export function galleryPicker({ kind, onChange }) {
  const words = WORDS[kind];
  const select = h("select", { on: { change: () => chosen(select.value) } });
  const manage = button("Manage", () => manageGallery(select.value, kind), { "aria-haspopup": "dialog" });
  const bar = h("div.gallery-bar", {}, field(words.one, select), button(words.make, () => makeGallery(kind), { drawing: "plus", "aria-haspopup": "dialog" }), manage);
  const place = h("div.stack", {}, h("p.hint", { role: "status", text: "Asking for the galleries …" }));
  const element = h("div", {}, place);
  let current = null;

  async function refresh(wanted = null) {
    try {
      const { items } = await get("galleries");
      draw(items.filter((one) => one.kind === kind), wanted);
    } catch (error) {
      show(place, problemBox(problemOf(error), { retry: () => refresh(wanted) }));
      chosen("");
    }
  }

  function draw(items, wanted) {
    const before = wanted ?? current ?? remembered(kind);
    show(select, items.map((one) => h("option", { value: one.name, text: one.retention_days ? `${one.name} (kept ${count(one.retention_days, "day")})` : one.name })));
    if (!items.length) {
      show(place, h("div.empty", {}, h("div.empty-lenses", { "aria-hidden": "true" }, h("i"), h("i")), h("p", { text: `There is no ${words.one.toLowerCase()} yet. ${words.hint}` }), button(`Make the first ${words.one.toLowerCase()}`, () => makeGallery(kind), { kind: "primary", drawing: "plus" })));
      chosen("");
      return;
    }
    select.value = items.some((one) => one.name === before) ? before : items[0].name;
    if (!bar.isConnected) show(place, bar);
    chosen(select.value);
  }

  function chosen(name) {
    if (name === current) return;
    current = name;
    if (name) remember(kind, name);
    onChange(name);
  }

  document.addEventListener(CHANGED, (event) => refresh(event.detail.kind === kind ? event.detail.name : null));
  refresh();
  return { element, value: () => current ?? "", refresh };
}

/** Ask for a name and make a gallery; its name, or undefined. */
export async function makeGallery(kind) {
  const words = WORDS[kind];
  const name = h("input", { value: words.first, autocomplete: "off", spellcheck: "false", maxlength: 64 });
  const days = retentionField(null);
  const made = await openDialog(words.make, [field("Name", name, "Small letters, digits, - and _."), days.element], {
    action: "Make it",
    onAction: async () => {
      const wanted = name.value.trim().toLowerCase();
      if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(wanted)) throw new Problem(422, { error: "OptionError", detail: "A name is 1 to 64 of a to z, 0 to 9, - and _, and begins with a letter or a digit." });
      return send("POST", "galleries", { json: { name: wanted, kind, retention_days: days.value() }, harmless: false });
    },
  });
  if (made) tell(kind, made.name);
  return made?.name;
}

async function manageGallery(name, kind) {
  let about;
  try {
    about = await get(inGallery(name));
  } catch (error) {
    await openDialog(name, [problemBox(problemOf(error))], { dismiss: "Close" });
    return;
  }
  const days = retentionField(about.retention_days);
  const facts = [["Holds", about.subjects === null ? "" : `${count(about.subjects, kind === "people" ? "person" : "face", kind === "people" ? "people" : "faces")}, ${count(about.templates, "template")}`]];
  const kept = await openDialog(
    `${WORDS[kind].one} ${name}`,
    [h("dl.facts", {}, facts.map(([what, value]) => h("div", {}, h("dt", { text: what }), h("dd", { text: value })))), days.element, button("Delete it …", () => deleteGallery(name, kind), { kind: "danger", drawing: "bin" })],
    { action: "Keep", onAction: () => send("PATCH", inGallery(name), { json: { retention_days: days.value() } }) },
  );
  if (kept) {
    say("Kept.");
    tell(kind, name);
  }
}

async function deleteGallery(name, kind) {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  const typed = h("input", { autocomplete: "off", spellcheck: "false" });
  const receipt = await openDialog(`Delete ${name}?`, [noteBox("Everybody in it is erased, for good. Your photos are not touched.", { kind: "bad" }), field(`Type ${name} to go on`, typed)], {
    action: "Erase everybody in it",
    danger: true,
    onAction: async () => {
      if (typed.value.trim() !== name) throw new Problem(422, { error: "OptionError", detail: `Type the name, ${name}, as it stands.` });
      return send("DELETE", inGallery(name), { harmless: false });
    },
  });
  if (!receipt) return;
  tell(kind, null);
  await showReceipt(`${WORDS[kind].one} ${name} was erased`, receipt);
}

function retentionField(days) {
  const input = h("input", { type: "number", min: 1, max: 36500, inputmode: "numeric", value: days ?? "" });
  return {
    element: field("Erase each person after … days", input, "Empty: kept until somebody deletes them."),
    value: () => (input.value.trim() ? Number(input.value) : null),
  };
}

function tell(kind, name) {
  document.dispatchEvent(new CustomEvent(CHANGED, { detail: { kind, name } }));
}

function remember(kind, name) {
  try {
    sessionStorage.setItem(`twinlens-${kind}`, name);
  } catch {
    // without storage the first one is chosen
  }
}

function remembered(kind) {
  try {
    return sessionStorage.getItem(`twinlens-${kind}`);
  } catch {
    return null;
  }
}
