// A photo with boxes on it. What the boxes say stands beside it as a list, so the drawing itself is silent.

import { h } from "/static/dom.js";

const NAME_HEIGHT = 30; // pixels
const NARROW = 400; // pixels: more than two names do not go on a narrower photo
const APART = 2; // pixels between two names

/**
 * Draw a photo.
 *
 * @returns {{element: HTMLElement, mark: Function, light: Function}}
 */
export function photoStage(photo, { alt = `Photo ${photo.name}` } = {}) {
  const image = h("img.stage-photo", { src: photo.url, alt, draggable: "false" });
  const over = h("div.over", { "aria-hidden": "true" });
  const element = h("div.stage", {}, image, over);
  new ResizeObserver(settle).observe(over);

  /** Names go below their boxes where there is no room above; where they would cover each other, numbers stand alone. */
  function settle() {
    for (const one of over.children) one.classList.toggle("low", Number(one.dataset.top) * over.clientHeight < NAME_HEIGHT);
    over.classList.remove("brief");
    const tags = [...over.querySelectorAll(".numbered .tag")];
    over.classList.toggle("brief", tags.length > 2 && over.clientWidth < NARROW || meet(tags.map((tag) => tag.getBoundingClientRect())));
  }

  const blank = photo.previewed.then((drawn) => {
    if (drawn) return false;
    image.replaceWith(h("div.stage-blank", { role: "img", "aria-label": `${alt}: no preview in this browser` }, h("p", { text: "No preview in this browser. The service reads the photo all the same." })));
    return true;
  });

  /**
   * Draw boxes.
   *
   * @param {{width: number, height: number}} seen  size of the photo as the service read it
   * @param {{box: number[], label?: string, number?: number, kind?: string, crop?: string, pick?: Function}[]} marks
   */
  async function mark(seen, marks) {
    const isBlank = await blank;
    over.replaceChildren();
    if (isBlank) element.querySelector(".stage-blank").style.aspectRatio = `${seen.width} / ${seen.height}`;
    for (const one of marks) over.append(box(seen, one, isBlank));
    settle();
  }

  function light(number) {
    for (const one of over.children) one.classList.toggle("lit", one.dataset.number === String(number));
  }

  return { element, mark, light };
}

function meet(tags) {
  return tags.some((one, index) => tags.slice(index + 1).some((other) => one.left < other.right + APART && other.left < one.right + APART && one.top < other.bottom + APART && other.top < one.bottom + APART));
}

function box(seen, { box: [left, top, right, bottom], label = "", number = null, kind = "found", crop = null, pick = null }, isBlank) {
  const element = h(`div.box.${kind}`, { dataset: { number: number ?? "" }, on: pick ? { click: pick } : {} });
  if (isBlank && crop) element.append(h("img", { src: crop, alt: "" }));
  if (label || number) element.append(h("span.tag", {}, number !== null && h("b", { text: number }), label && h("span", { text: label })));
  element.dataset.top = top / seen.height;
  if (label && number) element.classList.add("numbered"); // its name may go: the list says it, too
  if ((left + right) / 2 > seen.width * 0.7) element.classList.add("leftward");
  element.style.left = `${(100 * left) / seen.width}%`;
  element.style.top = `${(100 * top) / seen.height}%`;
  element.style.width = `${(100 * (right - left)) / seen.width}%`;
  element.style.height = `${(100 * (bottom - top)) / seen.height}%`;
  if (pick) element.classList.add("pickable");
  return element;
}
