// --- what can be told without a page: tested with node -----------------------------------------------------------

/** The next whole-number zoom for a key or button. */
function zoomed(zoom, larger, most) {
  return Math.min(most, Math.max(1, zoom + (larger ? 1 : -1)));
}

/** The largest whole-number zoom of a picture in a window. */
function fitting(width, height, room) {
  return Math.max(1, Math.floor(Math.min(room.width / width, room.height / height)));
}

/** What a key asks for, beside moving. */
function wish(key) {
  return { "+": "larger", "=": "larger", "-": "smaller", "?": "help", t: "theme", c: "copy", o: "sort" }[key] || null;
}

// --- the page ------------------------------------------------------------------------------------------------------

function start() {
  const list = one(".pictures");
  const items = [...list.children];
  const buttons = items.map((item) => item.firstElementChild);
  const scores = items.map((item) => ("score" in item.dataset ? parseFloat(item.dataset.score) : NaN));
  const side = Object.fromEntries(["width", "height"].map((name) => [name, Number(buttons[0].firstElementChild.getAttribute(name))]));
  const [view, help, large] = [one("#view"), one("#help"), one("#large")];
  const most = Math.max(1, Math.floor(512 / side.width));
  let shown = order(scores, "drawn");
  let place = 0;
  let zoom = Number(list.dataset.zoom);

  one(".tools").hidden = false;

  function arrange(by) {
    const [now, held] = [shown[place], list.contains(document.activeElement)];
    shown = order(scores, by);
    list.classList.toggle("scored", by !== "drawn");
    list.append(...shown.map((i) => items[i]));
    place = shown.indexOf(now);
    focusOn(place, held);
  }

  function focusOn(to, grab = true) {
    buttons[shown[place]].tabIndex = -1;
    place = to;
    buttons[shown[place]].tabIndex = 0;
    if (grab) buttons[shown[place]].focus();
  }

  function resize(larger) {
    zoom = zoomed(zoom, larger, most);
    document.documentElement.style.setProperty("--cell", `${zoom * side.width}px`);
  }

  function enlarge(to) {
    focusOn(to, false);
    const image = buttons[shown[place]].firstElementChild;
    const room = { width: innerWidth - 64, height: innerHeight - 180 };
    large.src = image.src;
    large.alt = image.alt;
    large.style.width = `${side.width * fitting(side.width, side.height, room)}px`;
    one("#caption").textContent = items[shown[place]].dataset.told;
    one("#previous").disabled = place === 0;
    one("#next").disabled = place === shown.length - 1;
    if (!view.open) view.showModal();
  }

  function sort() {
    const choice = one("#sort");
    if (!choice) return;
    choice.selectedIndex = (choice.selectedIndex + 1) % choice.length;
    arrange(choice.value);
  }

  function columns() {
    const top = items[shown[0]].offsetTop;
    const second = shown.findIndex((i) => items[i].offsetTop > top);
    return second < 0 ? shown.length : second;
  }

  const asked = { larger: () => resize(true), smaller: () => resize(false), help: () => help.showModal(), theme, copy, sort };
  for (const name of ["larger", "smaller", "help", "theme", "copy"]) one(`#${name === "help" ? "ask" : name}`).onclick = asked[name];
  if (one("#sort")) one("#sort").onchange = (event) => arrange(event.target.value);
  list.onclick = (event) => {
    const item = event.target.closest("li");
    if (item) enlarge(shown.indexOf(items.indexOf(item)));
  };
  view.onclose = () => focusOn(place);
  one("#previous").onclick = () => enlarge(Math.max(0, place - 1));
  one("#next").onclick = () => enlarge(Math.min(shown.length - 1, place + 1));
  for (const button of document.querySelectorAll("dialog .close")) button.onclick = () => button.closest("dialog").close();
  buttons.forEach((button) => { button.tabIndex = -1; });
  focusOn(0, false);

  document.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select") || help.open) return;
    const inGrid = document.activeElement.closest && document.activeElement.closest(".pictures");
    const to = view.open || inGrid || document.activeElement === document.body ? moved(event.key, place, shown.length, view.open ? 1 : columns()) : null;
    const what = wish(event.key);
    if (to !== null) (view.open ? enlarge : focusOn)(to);
    else if (what && !view.open) asked[what]();
    else return;
    event.preventDefault();
  };

  const time = one("#time");
  if (time) {
    const frames = [...document.querySelectorAll("figure")];
    const show = () => {
      frames.forEach((frame, i) => frame.classList.toggle("now", i === Number(time.value)));
      one("#step").textContent = frames[time.value].dataset.told;
      time.setAttribute("aria-valuetext", frames[time.value].dataset.told);
    };
    one("#training").classList.add("one");
    one("#training label").hidden = false;
    time.oninput = show;
    show();
  }
}

if (typeof document !== "undefined") start();
if (typeof module !== "undefined") module.exports = { order, moved, zoomed, fitting, wish };
