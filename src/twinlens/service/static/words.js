// Figures -> plain words. A figure that is not known stays unsaid.

const LANGUAGE = "en-GB";
const counted = new Intl.NumberFormat(LANGUAGE);

/** 1234 -> "1,234". */
export function number(value) {
  return counted.format(value);
}

/** 3, "photo" -> "3 photos". */
export function count(n, one, many = `${one}s`) {
  return `${number(n)} ${n === 1 ? one : many}`;
}

/** A rate from 0 to 1 -> "1 in 1,000". */
export function oneIn(rate) {
  if (rate >= 0.995) return "nearly all";
  if (rate > 0.1) return `${Math.round(rate * 100)} in 100`;
  const n = 1 / rate;
  const step = 10 ** Math.max(0, Math.floor(Math.log10(n)) - 1); // two digits are enough
  return `1 in ${number(Math.round(n / step) * step)}`;
}

/** A rate that was measured, or is only bounded ("at most", "at least") -> words before "strangers". */
export function strangers(rate, bound = "at") {
  if (rate === null || rate === undefined) return null;
  if (rate <= 0) return null;
  const said = oneIn(rate);
  const before = { at: "About ", "at most": "At most ", "at least": "At least " }[bound] ?? "About ";
  return said === "nearly all" ? "Nearly all" : before + said;
}

/** A probability -> "99.3 %"; never 100 % and never 0 %. */
export function percent(p) {
  if (p === null || p === undefined) return null;
  if (p > 0.9999) return "over 99.99 %";
  if (p < 0.0001) return "under 0.01 %";
  const digits = p > 0.99 || p < 0.01 ? 2 : p > 0.9 || p < 0.1 ? 1 : 0;
  return `${(p * 100).toFixed(digits)} %`;
}

/** A similarity -> three digits. */
export function similarity(score) {
  return score === null || score === undefined ? "" : score.toFixed(3).replace("-", "−");
}

/** An instant -> "26 Nov 2026, 09:41", or nothing. */
export function when(value) {
  if (value === null || value === undefined || value === "") return "";
  const date = new Date(typeof value === "number" ? value * 1000 : value);
  if (Number.isNaN(date.getTime())) return String(value);
  return new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeStyle: "short" }).format(date);
}

/** Bytes -> "2.4 MB". */
export function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** ["a", "b", "c"] -> "a, b and c". */
export function listed(words, most = 6) {
  const shown = words.slice(0, most);
  if (words.length > most) return `${shown.join(", ")} and ${number(words.length - most)} more`;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

/** Two names in the order of people. */
export function byName(left, right) {
  return left.localeCompare(right, LANGUAGE, { numeric: true, sensitivity: "base" });
}
