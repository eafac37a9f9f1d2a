// Questions in a dialog: the focus stays in it and comes back; Escape says no.

import { button, fresh, h, show } from "/static/dom.js";
import { problemBox } from "/static/notes.js";
import { problemOf } from "/static/problems.js";

/**
 * Open a dialog.
 *
 * @param {string} title
 * @param {Node[]} body
 * @param {object} options  action: label of the button that does it; danger; onAction: async, may throw a Problem,
 *     which is shown in the dialog and leaves it open; wide
 * @returns {Promise<*>} what onAction returned, or undefined where a person said no
 */
export function openDialog(title, body, { action = null, danger = false, onAction = async () => true, dismiss = "Cancel", wide = false } = {}) {
  return new Promise((resolve) => {
    const id = fresh("dialog");
    const trouble = h("div", { role: "alert" });
    let result;
    const go = action && h(`button.${danger ? "danger" : "primary"}`, { type: "submit" }, h("span", { text: action }));
    const form = h("form", { method: "dialog", novalidate: true }, body, trouble, h("div.row.end", {}, button(dismiss, () => dialog.close()), go));
    const dialog = h(`dialog.dialog${wide ? ".wide" : ""}`, { "aria-labelledby": id }, h("h2", { id, text: title }), form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!action || go.disabled) return;
      go.disabled = true;
      form.setAttribute("aria-busy", "true");
      show(trouble);
      try {
        result = await onAction();
        if (result !== undefined) dialog.close();
      } catch (error) {
        show(trouble, problemBox(problemOf(error)));
      } finally {
        go.disabled = false;
        form.removeAttribute("aria-busy");
      }
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    document.body.append(dialog);
    dialog.showModal();
    (dialog.querySelector("input, select, textarea") ?? dialog.querySelector("button"))?.focus();
  });
}
