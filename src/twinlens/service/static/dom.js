// Names, attributes, children -> elements. Text is always set as text, so nothing that a person types becomes markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Build an element.
 *
 * @param {string} tag  "div", or "div.class.other"
 * @param {object} [props]  attributes; on: {event: listener}; dataset; text; false and null leave an attribute out
 * @param {...(Node|string|null|false|Array)} children
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  fill(element, props);
  put(element, children);
  return element;
}

/** Build an element of a drawing. */
export function s(tag, props = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  fill(element, props);
  put(element, children);
  return element;
}

function fill(element, props) {
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (key === "dataset") Object.assign(element.dataset, value);
    else if (key === "text") element.textContent = value;
    else if (key === "value" || key === "checked" || key === "disabled") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
}

function put(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child);
  }
}

/** Replace what an element holds. */
export function show(element, ...children) {
  element.replaceChildren();
  put(element, children);
  return element;
}

/** Say something to a screen reader, without moving the focus. */
export function say(text, urgent = false) {
  const region = document.getElementById(urgent ? "assertive" : "polite");
  region.textContent = "";
  setTimeout(() => {
    region.textContent = text;
  }, 60); // a change that follows at once is not read
}

/** Scroll to an answer that came below what is seen, as on a phone. */
export function bringIntoSight(element) {
  if (element.getBoundingClientRect().top <= innerHeight * 0.7) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
}

const PATHS = {
  compare: "M9 6.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zm6 0a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11z",
  people: "M12 12a3.6 3.6 0 1 0 0-7.2 3.6 3.6 0 0 0 0 7.2zM4.8 19.2c.8-3.3 3.6-5 7.2-5s6.4 1.7 7.2 5",
  who: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M9.5 9.8a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.1.9-1.1 1.7M12 16.6v.1",
  find: "M10.5 16.5a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM15 15l5 5",
  reports: "M5 20V4M5 20h15M9 16v-4M13 16V8M17 16v-6",
  settings: "M4 7h9M17 7h3M4 12h3M11 12h9M4 17h7M15 17h5M13 5v4M7 10v4M11 15v4",
  camera: "M4 8h3.2l1.6-2.5h6.4L16.8 8H20v11H4zM12 16.5a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.6z",
  photo: "M4 5h16v14H4zM4 16l4.5-4.5 3.5 3.5 3-3 5 5M15.5 9.2v.1",
  folder: "M3.5 6h6l2 2.5h9V19h-17z",
  yes: "M5 12.5l4.5 4.5L19 7.5",
  no: "M6 6l12 12M18 6L6 18",
  unsure: "M9 9.5a3 3 0 1 1 4.3 2.7c-.9.5-1.3 1.1-1.3 2M12 17.3v.1",
  note: "M12 8v5M12 16v.1M12 3.5l9 16H3z",
  pencil: "M5 19l1-4L16 5l3 3L9 18z",
  merge: "M5 5c0 5 7 3 7 8v6M19 5c0 5-7 3-7 8M9 16l3 3 3-3",
  tag: "M4 4h7l9 9-7 7-9-9zM8 8v.1",
  bin: "M5 7h14M9.5 7V4.5h5V7M7 7l.8 13h8.4L17 7M10.5 10.5v6M13.5 10.5v6",
  plus: "M12 5v14M5 12h14",
  again: "M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4",
  check: "M4 6h9M4 12h6M4 18h6M14 15l2.5 2.5L21 13",
};

/** A line drawing of 24 pixels; it says nothing to a screen reader. */
export function icon(name) {
  return s("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, s("path", { d: PATHS[name] }));
}

/** A button with a word, and perhaps a drawing. */
export function button(label, onclick, { kind = "", drawing = null, ...props } = {}) {
  return h(`button${kind ? `.${kind.split(" ").join(".")}` : ""}`, { type: "button", on: { click: onclick }, ...props }, drawing && icon(drawing), h("span", { text: label }));
}

let counter = 0;
/** An id that no other element has. */
export function fresh(prefix = "x") {
  counter += 1;
  return `${prefix}-${counter}`;
}

/** A label over its control. */
export function field(label, control, hint = null) {
  control.id ||= fresh("field");
  const hintId = hint && fresh("hint");
  if (hintId) control.setAttribute("aria-describedby", hintId);
  return h("div.field", {}, h("label", { for: control.id, text: label }), control, hint && h("p.hint", { id: hintId, text: hint }));
}
