// Photos of people -> the service, a few at a time; what became of each; nothing lost when a request fails.

import { request, send, workKey } from "/static/api.js";
import { inGallery, ofSubject } from "/static/galleries.js";
import { formOf } from "/static/photo.js";
import { problemOf, stopped } from "/static/problems.js";

const BATCH_FILES = 8;
const BATCH_BYTES = 24e6;
const PLAIN = /^[^"\\\r\n/]+$/; // a name that survives as part of a file name in a form

/**
 * One photo to be enrolled, and what became of it.
 *
 * state: "waiting", "done" (report is there), "failed" (problem is there; may be sent again)
 */
export class Item {
  constructor(subject, file) {
    this.subject = subject;
    this.file = file;
    this.state = "waiting";
    this.report = null;
    this.problem = null;
  }

  /** True where the photo is in the gallery. */
  get good() {
    return this.state === "done" && (this.report.outcome === "done" || this.report.outcome === "already enrolled");
  }
}

/**
 * Enrol all items that are not done, in order.
 *
 * A batch that fails for a passing reason is tried again with the same key, so that nothing is enrolled twice; what
 * cannot be sent stays in the items, to be sent later.
 *
 * @param {string} gallery
 * @param {Item[]} items
 * @param {object} options  main_face, accept_poor, accept_conflict: "true" or left out; signal; onItem(item)
 */
export async function enrolAll(gallery, items, { signal, onItem = () => {}, ...options }) {
  for (const batch of batches(items.filter((item) => item.state !== "done"))) {
    if (signal?.aborted) return;
    try {
      const reports = await sendBatch(gallery, batch, options, signal);
      batch.forEach((item, place) => settle(item, reports[place], null));
    } catch (error) {
      if (stopped(error)) return;
      const problem = problemOf(error);
      for (const item of batch) settle(item, null, problem);
      if (problem.status === 0 || problem.status === 401 || problem.status === 403 || problem.status === 404) {
        batch.forEach(onItem);
        throw problem; // the others would fail alike
      }
    }
    batch.forEach(onItem);
  }
}

/** Enrol one photo under a name; its report. */
export async function enrolOne(gallery, subject, file, options = {}, signal = undefined) {
  const { reports } = await send("POST", ofSubject(gallery, subject, "photos"), { form: formOf({ ...options, photos: file }), once: workKey(), signal });
  return reports[0];
}

function settle(item, report, problem) {
  item.report = report ?? null;
  item.problem = problem;
  item.state = report ? "done" : "failed";
}

async function sendBatch(gallery, batch, options, signal) {
  const once = workKey();
  const form = formOf(options);
  if (batch.every((item) => PLAIN.test(item.subject))) {
    for (const { subject, file } of batch) form.append("photos", file, `${subject}/${file.name}`);
    const answer = await request("POST", inGallery(gallery, "enrolments"), { form, once, signal });
    return (await answer.json()).reports;
  }
  const { subject } = batch[0];
  for (const { file } of batch) form.append("photos", file, file.name);
  return (await send("POST", ofSubject(gallery, subject, "photos"), { form, once, signal })).reports;
}

/** Cut a list into requests: a few photos each, and one person each where a name needs a path of its own. */
function* batches(items) {
  let batch = [];
  let bytes = 0;
  for (const item of items) {
    const apart = batch.length && !(PLAIN.test(item.subject) && PLAIN.test(batch[0].subject)) && item.subject !== batch[0].subject;
    if (batch.length && (apart || batch.length >= BATCH_FILES || bytes + item.file.size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += item.file.size;
  }
  if (batch.length) yield batch;
}
