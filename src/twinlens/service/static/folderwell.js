// A folder, or several photos -> their files, dropped on a part of a page or chosen.

import { button, h } from "/static/dom.js";
import { chosenFiles, droppedFiles } from "/static/files.js";
import { dropTarget } from "/static/well.js";

/**
 * Let a part of a page take a folder or photos.
 *
 * @param {object} options  element: the part; folder, files: what the two fields are called; onFiles(found)
 * @returns {{area: (text: string, hint: string) => HTMLElement, busy: boolean}}  area draws the place to drop them on;
 *     while busy is true nothing is taken: what is being sent is not to be replaced
 */
export function folderWell({ element, folder, files, onFiles }) {
  const well = { area, busy: false };
  const whole = field(folder, { webkitdirectory: true });
  const single = field(files, { accept: "image/*,.heic,.heif" });
  element.append(whole, single);
  dropTarget(element, null, { folders: async (transfer) => well.busy || onFiles(await droppedFiles(transfer)) });

  function field(name, kind) {
    const input = h("input.unseen", { type: "file", multiple: true, tabindex: -1, "aria-label": name, on: { change: () => chosen(input) }, ...kind });
    return input;
  }

  function chosen(input) {
    const found = chosenFiles(input.files);
    input.value = "";
    if (found.length) onFiles(found);
  }

  function area(text, hint) {
    return h(
      "div.drop",
      {},
      h("div.empty-lenses", { "aria-hidden": "true" }, h("i"), h("i")),
      h("p", { text }),
      h("div.row.centre", {}, button("Choose a folder", () => whole.click(), { kind: "primary", drawing: "folder" }), button("Choose photos", () => single.click(), { drawing: "photo" })),
      h("p.hint", { text: hint }),
    );
  }

  return well;
}
