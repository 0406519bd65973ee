// --- what can be told without a page: tested with node -----------------------------------------------------------

/** A text as it is searched: letters of all widths and cases alike. */
function plain(text) {
  return text.normalize("NFKC").toLowerCase();
}

/** Whether every word of a wish is somewhere in a text. */
function matches(text, wish) {
  const inside = plain(text);
  return plain(wish).split(/\s+/).every((word) => inside.includes(word));
}

/** Shares of the largest of exp(log p / tokens), the likelihood of a token; 0 where it is not known. */
function likely(scores, lengths) {
  const each = scores.map((score, i) => (lengths[i] > 0 && Number.isFinite(score) ? Math.exp(score / lengths[i]) : 0));
  const most = Math.max(...each, 0);
  return each.map((value) => (most > 0 ? value / most : 0));
}

/** What a key asks for, beside moving. */
function wish(key) {
  return { "/": "find", "?": "help", t: "theme", c: "copy", o: "sort" }[key] || null;
}

// --- the page ------------------------------------------------------------------------------------------------------

function start() {
  const list = one(".sentences");
  const items = [...list.children];
  const texts = items.map((item) => { const p = item.querySelector("p"); return p.classList.contains("empty") ? "" : p.textContent; });
  const number = (item, of) => { const found = item.querySelector(of); return found ? parseFloat(found.dataset.logP || found.textContent) : NaN; };
  const numbers = { p: items.map((item) => number(item, ".p")), length: items.map((item) => number(item, ".l")) };
  const [find, found, choice, help] = [one("#find"), one("#found"), one("#sort"), one("#help")];
  let shown = items.map((_, i) => i);
  let place = 0;

  one(".tools").hidden = false;

  if ("bars" in list.dataset) likely(numbers.p, numbers.length).forEach((share, i) => {
    if (!(share > 0)) return;
    const [bar, rect] = ["svg", "rect"].map((name) => document.createElementNS("http://www.w3.org/2000/svg", name));
    const told = { viewBox: "0 0 100 3", preserveAspectRatio: "none", class: "bar", "aria-hidden": "true" };
    for (const [name, value] of Object.entries(told)) bar.setAttribute(name, value);
    for (const [name, value] of Object.entries({ x: 100 - 100 * share, width: 100 * share, height: 3, rx: 1 })) rect.setAttribute(name, value);
    bar.append(rect);
    items[i].querySelector(".told").append(bar);
  });

  function focusOn(to, grab = true) {
    items.forEach((item) => { item.tabIndex = -1; });
    place = Math.max(0, Math.min(to, shown.length - 1));
    if (!shown.length) return;
    items[shown[place]].tabIndex = 0;
    if (grab) items[shown[place]].focus();
  }

  function arrange() {
    const now = shown[place];
    const held = list.contains(document.activeElement);
    const [what, by] = choice ? choice.value.split("-") : ["drawn"];
    const sorted = what === "drawn" ? items.map((_, i) => i) : order(numbers[what], by);
    list.append(...sorted.map((i) => items[i]));
    shown = sorted.filter((i) => matches(texts[i], find.value));
    items.forEach((item) => { item.hidden = true; });
    for (const i of shown) items[i].hidden = false;
    found.textContent = find.value.trim() ? `${shown.length} of ${items.length}` : "";
    one("#none").hidden = shown.length > 0;
    focusOn(Math.max(0, shown.indexOf(now)), held);
  }

  function sort() {
    if (!choice) return;
    choice.selectedIndex = (choice.selectedIndex + 1) % choice.length;
    arrange();
  }

  function take() {
    const which = shown[place];
    put(texts[which], (done) => {
      found.textContent = done ? `Copied sentence ${which}` : "Not copied";
      items[which].focus();
    });
  }

  const asked = { find: () => { find.focus(); find.select(); }, help: () => help.showModal(), theme, copy, sort };
  for (const name of ["theme", "copy"]) one(`#${name}`).onclick = asked[name];
  one("#ask").onclick = asked.help;
  if (choice) choice.onchange = arrange;
  find.oninput = arrange;
  find.onkeydown = (event) => {
    if (event.key === "Escape") { find.value = ""; arrange(); }
    else if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    event.preventDefault();
    focusOn(0);
  };
  list.onclick = (event) => {
    const item = event.target.closest("li");
    if (item) focusOn(shown.indexOf(items.indexOf(item)), false);
  };
  for (const button of document.querySelectorAll("dialog .close")) button.onclick = () => button.closest("dialog").close();
  focusOn(0, false);

  document.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select") || help.open) return;
    const inList = list.contains(document.activeElement);
    const to = inList || document.activeElement === document.body ? moved(event.key, place, shown.length, 1) : null;
    const what = wish(event.key);
    if (event.key === "Enter" && inList && shown.length) take();
    else if (to !== null && !["ArrowLeft", "ArrowRight"].includes(event.key)) focusOn(to);
    else if (what) asked[what]();
    else return;
    event.preventDefault();
  };
}

if (typeof document !== "undefined") start();
if (typeof module !== "undefined") module.exports = { order, moved, plain, matches, likely, wish };
