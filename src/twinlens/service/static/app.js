// The frame: pages by address, the switch of appearance, the key, and what the service's state means for a person.

import { askForKeyWith, onState } from "/static/api.js";
import { comparePage } from "/static/compare.js";
import { h, icon, say, show } from "/static/dom.js";
import { findPage } from "/static/find.js";
import { peoplePage } from "/static/people.js";
import { reportsPage } from "/static/reports.js";
import { askForKey, openSettings } from "/static/settings.js";
import { whoPage } from "/static/who.js";

const PAGES = {
  compare: { title: "Compare", make: comparePage },
  people: { title: "People", make: peoplePage },
  who: { title: "Who is this?", short: "Who?", make: whoPage },
  find: { title: "Find", make: findPage },
  reports: { title: "Reports", make: reportsPage },
};

const made = new Map(); // a page is made once, so that nothing on it is lost when another is looked at
const main = document.getElementById("main");

function draw() {
  const tabs = Object.entries(PAGES).map(([name, { title, short }]) =>
    h("li", {}, h("a", { href: `#/${name}`, "aria-label": title, dataset: { page: name } }, icon(name), h("span.wide", { text: title }), h("span.narrow", { text: short ?? title }))),
  );
  show(document.getElementById("tabs"), tabs);
  const settings = document.getElementById("open-settings");
  settings.append(icon("settings"));
  settings.addEventListener("click", () => openSettings());
}

function named(hash) {
  const name = hash.replace(/^#\/?/, "").split("/")[0];
  return Object.hasOwn(PAGES, name) ? name : "compare";
}

function open({ focus }) {
  const name = named(location.hash);
  if (!made.has(name)) {
    const page = PAGES[name].make();
    made.set(name, page);
    main.append(page.element);
  }
  for (const [other, page] of made) page.element.hidden = other !== name;
  for (const link of document.querySelectorAll("#tabs a")) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${PAGES[name].title} · Twinlens`;
  if (focus) {
    window.scrollTo(0, 0);
    made.get(name).element.querySelector("h1").focus({ preventScroll: true });
  }
  made.get(name).shown?.();
}

function watchService() {
  const trouble = document.getElementById("trouble");
  let text = "";
  onState((state) => {
    if (state.waiting) {
      const next = Math.max(1, Math.round(state.waiting));
      text = `${state.why}. Trying again in ${next} ${next === 1 ? "second" : "seconds"} …`;
    } else if (state.ok) text = "";
    else if (state.down) text = "The service cannot be reached. Nothing on this page is lost: try again when it is back.";
    else text = "";
    show(trouble, text && icon("note"), text);
  });
  window.addEventListener("offline", () => say("The network is gone. What is on this page stays.", true));
}

// a file dropped beside a drop area must not replace the page
for (const kind of ["dragover", "drop"]) {
  window.addEventListener(kind, (event) => {
    if (!event.defaultPrevented) {
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = "none";
    }
  });
}

draw();
askForKeyWith(askForKey);
watchService();
window.addEventListener("hashchange", () => open({ focus: true }));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the page
  main.focus();
});
open({ focus: false });
