// --- what can be told without a page: tested with node -----------------------------------------------------------

/** Where a key leads from alternative `at` of net `net`, with `counts` alternatives of each; null if it leads nowhere. */
function gone(key, net, at, counts) {
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const to = net + (key === "ArrowLeft" ? -1 : 1);
    return counts[to] ? [to, Math.min(at, counts[to] - 1)] : null;
  }
  const to = moved(key, at, counts[net], 1);
  return to === null ? null : [net, to];
}

/** What a key asks for, beside moving. */
function wish(key) {
  return { "?": "help", t: "theme", c: "copy", g: "truth" }[key] || null;
}

// --- the page ------------------------------------------------------------------------------------------------------

function start() {
  const lists = [...document.querySelectorAll(".fillings")].map((list) => [...list.children]);
  const counts = lists.map((items) => items.length);
  const [said, help, toggle] = [one("#found"), one("#help"), one("#truth")];
  let [net, at] = [0, 0];

  one(".tools").hidden = false;

  function show(seen) {
    document.documentElement.dataset.truth = seen ? "shown" : "hidden";
    if (toggle) toggle.setAttribute("aria-pressed", String(seen));
  }

  function truth() {
    if (toggle) show(document.documentElement.dataset.truth !== "shown");
  }

  function focusOn(to, grab = true) {
    for (const items of lists) for (const item of items) item.tabIndex = -1;
    [net, at] = to;
    const item = lists[net][at];
    if (!item) return;
    item.tabIndex = 0;
    if (grab) item.focus();
  }

  function take() {
    const item = lists[net][at];
    put(item.querySelector(".said").textContent, (done) => {
      said.textContent = done ? `Copied alternative ${at}` : "Not copied";
      item.focus();
    });
  }

  const asked = { help: () => help.showModal(), theme, copy, truth };
  for (const name of ["theme", "copy"]) one(`#${name}`).onclick = asked[name];
  one("#ask").onclick = asked.help;
  if (toggle) toggle.onclick = truth;
  lists.forEach((items, list) => items.forEach((item, place) => { item.onclick = () => focusOn([list, place], false); }));
  for (const button of document.querySelectorAll("dialog .close")) button.onclick = () => button.closest("dialog").close();
  show(true);
  focusOn([0, 0], false);

  document.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select") || help.open) return;
    const inList = event.target.closest(".fillings") !== null;
    const to = inList || document.activeElement === document.body ? gone(event.key, net, at, counts) : null;
    const what = wish(event.key);
    if (event.key === "Enter" && inList) take();
    else if (to !== null) focusOn(to);
    else if (what) asked[what]();
    else return;
    event.preventDefault();
  };
}

if (typeof document !== "undefined") start();
if (typeof module !== "undefined") module.exports = { order, moved, gone, wish };
