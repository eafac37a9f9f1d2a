// The API key and the appearance.

import { get, keepKey, key } from "/static/api.js";
import { openDialog } from "/static/dialog.js";
import { field, h, say } from "/static/dom.js";
import { noteBox } from "/static/notes.js";

const THEME = "twinlens-theme";

/** Open the settings. */
export async function openSettings() {
  const entry = keyEntry();
  const themes = themeChoice();
  await openDialog("Settings", [field("API key", entry, "Kept in this tab only, until it is closed. Leave empty where the service needs none."), themes], {
    action: "Keep",
    dismiss: "Close",
    onAction: async () => {
      keepKey(entry.value.trim());
      if (entry.value.trim()) await get("models", { ask: false }); // a wrong key is told here, not in the middle of work
      say("Settings kept.");
      return true;
    },
  });
}

/** Ask for a key, because the service refused; true where a person gave one. */
export async function askForKey() {
  const had = Boolean(key());
  const entry = keyEntry();
  const given = await openDialog(
    had ? "This API key is not known" : "An API key is needed",
    [
      noteBox(had ? "The service does not accept the key of this tab: mistyped, or revoked. What you were doing goes on as soon as there is a good one." : "This service answers only with a key. What you were doing goes on as soon as there is one."),
      field("API key", entry, "Whoever runs the service makes one. It is kept in this tab only, until it is closed."),
    ],
    {
      action: "Go on",
      onAction: async () => {
        if (!entry.value.trim()) {
          entry.focus();
          return undefined;
        }
        keepKey(entry.value.trim());
        return true;
      },
    },
  );
  return Boolean(given);
}

function keyEntry() {
  return h("input", { type: "password", autocomplete: "off", spellcheck: "false", name: "api-key", value: key() });
}

function themeChoice() {
  const now = document.documentElement.dataset.theme ?? "";
  const choices = { "": "As the system", light: "Light", dark: "Dark" };
  return h(
    "fieldset.choice",
    {},
    h("legend", { text: "Appearance" }),
    Object.entries(choices).map(([value, text]) =>
      h("label", {}, h("input", { type: "radio", name: "theme", value, checked: value === now, on: { change: () => setTheme(value) } }), h("span", { text })),
    ),
  );
}

function setTheme(value) {
  if (value) document.documentElement.dataset.theme = value;
  else delete document.documentElement.dataset.theme;
  try {
    if (value) localStorage.setItem(THEME, value);
    else localStorage.removeItem(THEME);
  } catch {
    // storage is switched off: it holds until the page is left
  }
}
