"use strict";

// --- what every page has, before its own script ---------------------------------------------------------------------

const one = (selector) => document.querySelector(selector);

/** Indices of `scores` in the order that is asked for: "drawn", or by score, "low" or "high" first; equal ones as drawn, no number last. */
function order(scores, by) {
  const indices = scores.map((_, i) => i);
  if (by === "drawn") return indices;
  const sign = by === "low" ? 1 : -1;
  const none = (v) => !Number.isFinite(v);
  return indices.sort((a, b) => none(scores[a]) - none(scores[b]) || (none(scores[a]) ? 0 : sign * (scores[a] - scores[b])) || a - b);
}

/** Where a key leads from `place` among `count` places in lines of `columns`; null if it leads nowhere. */
function moved(key, place, count, columns) {
  const to = { ArrowLeft: place - 1, ArrowRight: place + 1, ArrowUp: place - columns, ArrowDown: place + columns, Home: 0, End: count - 1 }[key];
  return to === undefined || to < 0 || to >= count ? null : to;
}

/** Puts words on the clipboard; `told` hears whether that was done. */
function put(text, told) {
  const older = () => {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    told(done);
  };
  if (navigator.clipboard && isSecureContext) navigator.clipboard.writeText(text).then(() => told(true), older);
  else older();
}

/** Copies the recipe in the page, and says so on its button. */
function copy() {
  put(one("#sampling-studio").textContent, (done) => {
    one("#copy").textContent = done ? "Copied" : "Not copied";
    setTimeout(() => { one("#copy").textContent = "Copy recipe"; }, 2000);
  });
}

/** The other of light and dark. */
function theme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
}
