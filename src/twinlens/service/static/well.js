// A place for one photo: drop it, paste it, choose it, or take it with the camera.

import { button, fresh, h, icon, say, show } from "/static/dom.js";
import { noteBox } from "/static/notes.js";
import { maybePhoto, Photo, photosIn } from "/static/photo.js";
import { photoStage } from "/static/stage.js";
import { takePhoto } from "/static/webcam.js";

/**
 * Make a well.
 *
 * @param {object} options  title; hint; onPhoto(photo): a new photo is there; onClear(); onSpare(files): more files
 *     than one were given; camera: offer it
 */
export function photoWell({ title, hint = "JPEG, PNG, WebP, HEIC …", onPhoto, onClear = () => {}, onSpare = () => {}, camera = true }) {
  const id = fresh("well");
  const input = h("input.unseen", { type: "file", accept: "image/*,.heic,.heif", id, on: { change: () => give(input.files) } });
  const trouble = h("div", { role: "alert" });
  const place = h("div.well-place");
  const below = h("div.well-below");
  const element = h("section.well", { "aria-label": title }, h("h2.well-title", { text: title }), place, trouble, below);
  const well = { element, below, photo: null, stage: null, set, clear, trouble };

  function give(list) {
    const [first, ...spare] = photosIn(list);
    input.value = "";
    if (!first) return;
    set(first);
    if (spare.length) onSpare(spare);
  }

  function set(file) {
    show(trouble);
    if (!maybePhoto(file)) {
      show(trouble, noteBox(`${file.name} is not a photo. JPEG, PNG, WebP, TIFF and HEIC photos work.`, { kind: "bad" }));
      return;
    }
    well.photo?.forget();
    well.photo = new Photo(file);
    well.stage = photoStage(well.photo, { alt: `${title}: ${well.photo.name}` });
    show(below);
    show(
      place,
      well.stage.element,
      h("div.row.between.well-foot", {}, h("span.file-name", { text: well.photo.name, title: well.photo.name }), h("span.row.tight", {}, chooser("Change", "small"), button("Remove", () => clear({ focus: true }), { kind: "small ghost", "aria-label": `Remove ${title.toLowerCase()}` }))),
    );
    say(`${title}: ${well.photo.name} is there.`);
    onPhoto(well.photo);
  }

  function clear({ focus = false } = {}) {
    well.photo?.forget();
    well.photo = null;
    well.stage = null;
    show(trouble);
    show(below);
    empty();
    if (focus) place.querySelector("label, button")?.focus();
    onClear();
  }

  function chooser(text, kind) {
    return button(text, () => input.click(), { kind, drawing: kind === "small" ? null : "photo", "aria-label": `${text}: ${title.toLowerCase()}` });
  }

  function empty() {
    show(
      place,
      h(
        "div.drop",
        {},
        h("div.empty-lenses", { "aria-hidden": "true" }, h("i"), h("i")),
        h("p", { text: "Drop or paste a photo here" }),
        h("div.row.centre", {}, chooser("Choose a photo", "primary"), camera && button("Camera", async () => {
          const file = await takePhoto();
          if (file) set(file);
        }, { drawing: "camera", "aria-label": `Camera: ${title.toLowerCase()}` })),
        h("p.hint", { text: hint }),
      ),
    );
  }

  element.prepend(input);
  input.tabIndex = -1;
  input.setAttribute("aria-label", `File for ${title.toLowerCase()}`);
  dropTarget(place, give);
  empty();
  return well;
}

/** Let files be dropped on an element; items gives the folders too. */
export function dropTarget(element, give, { folders = null } = {}) {
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    element.classList.add("over-it");
  });
  for (const kind of ["dragleave", "drop"]) element.addEventListener(kind, () => element.classList.remove("over-it"));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    if (folders) folders(event.dataTransfer);
    else give(event.dataTransfer.files);
  });
}

/** Take photos that are pasted while a page is looked at. */
export function pasteTarget(page, give) {
  document.addEventListener("paste", (event) => {
    if (page.hidden || event.target.closest?.("input, textarea, dialog")) return;
    const files = photosIn(event.clipboardData?.files);
    if (!files.length) return;
    event.preventDefault();
    give(files);
  });
}
