// What an erasure answered -> a receipt that a person can read and keep.

import { openDialog } from "/static/dialog.js";
import { h } from "/static/dom.js";
import { noteBox } from "/static/notes.js";
import { count, listed, when } from "/static/words.js";

/** Show a receipt, until it is closed. */
export async function showReceipt(title, receipt) {
  const at = new Date();
  const url = URL.createObjectURL(new Blob([JSON.stringify({ ...receipt, at: at.toISOString() }, null, 2)], { type: "application/json" }));
  const rows = [
    ["When", when(at)],
    ["Erased", [receipt.subjects !== undefined && count(receipt.subjects, "person", "people"), count(receipt.templates, "template")].filter(Boolean).join(", ")],
    ["Read afterwards", receipt.places_checked?.length ? listed(receipt.places_checked, 12) : "nothing"],
    ["Left", receipt.remains?.length ? listed(receipt.remains, 12) : "nothing was found"],
  ];
  await openDialog(
    title,
    [
      receipt.proven
        ? noteBox("Nothing is left in any place that was checked.", { kind: "good", drawing: "yes" })
        : noteBox("It is not proven that nothing is left: see below, and tell whoever runs the service.", { kind: "bad" }),
      h("dl.facts.receipt", {}, rows.map(([name, value]) => h("div", {}, h("dt", { text: name }), h("dd", { text: value })))),
      h("a.as-button", { href: url, download: "twinlens-receipt.json", text: "Save the receipt" }),
    ],
    { dismiss: "Close" },
  );
  URL.revokeObjectURL(url);
}
