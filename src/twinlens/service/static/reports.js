// Reports: the pages of the evaluator, shown here.

import { get, request } from "/static/api.js";
import { button, h, say, show } from "/static/dom.js";
import { emptyPlace, problemBox, progressBar } from "/static/notes.js";
import { problemOf } from "/static/problems.js";

/** Make the page. */
export function reportsPage() {
  const place = h("div.stack");
  const element = h("article.page", {}, h("header.head", {}, h("h1", { tabindex: "-1", text: "Reports" }), h("p.lead", { text: "How far the answers can be trusted, measured by twinlens evaluate." })), place);
  let listedOnce = false;

  async function list() {
    show(place, progressBar("Asking for the reports …").element);
    try {
      const answer = await get("reports");
      draw(answer.items ?? answer.reports ?? answer);
      listedOnce = true;
    } catch (error) {
      show(place, problemBox(problemOf(error), { retry: list }));
    }
  }

  function draw(reports) {
    if (!reports.length) {
      show(place, emptyPlace("No report is here yet.", h("p.hint", {}, "Whoever runs the service makes one with ", h("code", { text: "twinlens evaluate --on people/ --out reports/mine" }), " and names the folder in ", h("code", { text: "TWINLENS_REPORTS_DIR" }), ".")));
      return;
    }
    show(place, h("ul.list.sheet", { "aria-label": "Reports" }, reports.map((one) => h("li", {}, h("div.grow", {}, h("span.name", { text: one.title || one.name }), tellsMore(one, reports) && h("span.hint", { text: one.name })), button("Read", () => read(one, reports), { "aria-label": `Read ${one.title || one.name}` })))));
  }

  /** Whether the folder's name says what the title does not. */
  function tellsMore({ name, title }, reports) {
    return Boolean(title) && (!title.includes(name) || reports.filter((other) => other.title === title).length > 1);
  }

  async function read(report, reports) {
    show(place, progressBar(`Reading ${report.title || report.name} …`).element);
    try {
      const page = await (await request("GET", report.url, { accept: "text/html" })).text();
      const frame = h("section.report-frame", { "aria-label": report.title || report.name });
      inShadow(frame, page);
      show(place, h("div.row", {}, button("All reports", () => draw(reports), { kind: "back" })), frame);
      place.querySelector("button").focus();
      say(`${report.title || report.name} is there.`);
    } catch (error) {
      show(place, problemBox(problemOf(error), { retry: () => read(report, reports) }), button("All reports", () => draw(reports)));
    }
  }

  return { element, shown: () => listedOnce || list() };
}

/**
 * Show a page of its own inside this one: its style reaches nothing else, its scripts do not run.
 *
 * A frame could not show it, because a frame sends no API key. Its style is taken out before it is parsed and put in
 * by the style object model, which our policy allows: the policy refuses style in markup.
 */
function inShadow(host, html) {
  const styles = [];
  const bare = html
    .replace(/<style\b[^>]*>([\s\S]*?)<\/style>/gi, (_, text) => {
      styles.push(text.replace(/<!\[CDATA\[|\]\]>/g, ""));
      return "";
    })
    .replace(/(<[a-z][^<>]*?\s)style=/gi, "$1data-style=");
  const page = new DOMParser().parseFromString(bare, "text/html");
  for (const unwanted of page.querySelectorAll("script, iframe, object, embed, link, meta, base, form")) unwanted.remove();
  styles.push("caption { max-width: min(44rem, 78vw); }"); // in a frame there is less room than in a window of its own
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(asChosen(styles.join("\n")).replace(/(^|[\s,}])(:root|html)(?=[\s,{[:])/g, "$1:host").replace(/(^|[\s,}])body(?=[\s,{.:>])/g, "$1.report-body"));
  const shadow = host.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [sheet];
  const body = document.createElement("div");
  body.className = `report-body ${page.body.className}`;
  body.append(...page.body.childNodes);
  for (const element of body.querySelectorAll("*")) {
    for (const { name } of [...element.attributes]) if (name.startsWith("on")) element.removeAttribute(name);
    if (element.dataset.style) element.style.cssText = element.dataset.style;
    const href = element.getAttribute("href");
    if (element.tagName !== "A" || !href) continue;
    if (href.startsWith("#")) element.addEventListener("click", (event) => jump(event, shadow, href)); // a place of the report, not a page of ours
    else if (!/^https?:/.test(href)) element.removeAttribute("href"); // files beside the page: only the page is here
  }
  shadow.append(body);
}

/** The appearance that was chosen for this page holds for the report, too. */
function asChosen(style) {
  const { theme } = document.documentElement.dataset;
  const dark = theme ? `@media ${theme === "dark" ? "all" : "not all"}` : "@media (prefers-color-scheme: dark)";
  return style.replace(/@media \(prefers-color-scheme: dark\)/g, dark).replace(/color-scheme: light dark;/g, "");
}

function jump(event, shadow, href) {
  event.preventDefault();
  shadow.getElementById(decodeURIComponent(href.slice(1)))?.scrollIntoView();
}
