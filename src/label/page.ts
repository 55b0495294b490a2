/** @file The page of `ocelli label`: a group of pictures, and the keys that label it. */

/** The page's HTML; OCELLI-TOKEN stands for the token that its actions carry. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width,initial-scale=1" />
<meta name="color-scheme" content="light dark" />
<meta name="token" content="OCELLI-TOKEN" />
<title>Label pictures · Ocelli</title>
<link rel="icon" href="data:," />
<link rel="stylesheet" href="page.css" />
</head>
<body>
<header>
  <h1>Label <span id="dir"></span></h1>
  <p id="progress" role="status"></p>
  <div class="track" aria-hidden="true"><i id="bar"></i></div>
</header>
<main>
  <p id="why"></p>
  <ul id="pictures" role="listbox" aria-multiselectable="true" aria-label="Pictures"></ul>
  <p id="error" role="alert"></p>
</main>
<aside>
  <h2>Classes</h2>
  <ol id="classes"></ol>
  <form id="form">
    <label for="name">Class of the chosen pictures</label>
    <input id="name" name="name" list="names" autocomplete="off" maxlength="200"
      placeholder="type a name, Enter" />
    <datalist id="names"></datalist>
  </form>
  <p class="actions">
    <button type="button" id="accept" disabled>Enter: agree</button>
    <button type="button" id="skip">S: skip</button>
    <button type="button" id="undo">U: undo</button>
  </p>
  <dl>
    <dt>1 … 9</dt><dd>label the chosen pictures</dd>
    <dt>Enter</dt><dd>agree with the model</dd>
    <dt>N</dt><dd>another or a new class</dd>
    <dt>← →</dt><dd>go to a picture</dd>
    <dt>Space</dt><dd>choose it or not</dd>
    <dt>A</dt><dd>choose all or none</dd>
    <dt>S, U</dt><dd>skip, undo</dd>
  </dl>
  <p class="soft">Every label is in <code id="table"></code> at once.</p>
</aside>
<script type="module" src="page.js"></script>
</body>
</html>
`;

/** The page's style. */
export const STYLE = `:root {
  color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif;
  --paper: light-dark(#fbfaf7, #141517); --card: light-dark(#fff, #1c1e21); --ink: light-dark(#1d1b19, #eceae6);
  --soft: light-dark(#5f5a54, #a8a39b); --line: light-dark(#e3dfd7, #33363b); --accent: light-dark(#0b6e6e, #5fd0c5);
  --bad: light-dark(#b3261e, #ff8a80);
}
* { box-sizing: border-box }
body {
  margin: 0; background: var(--paper); color: var(--ink); font-variant-numeric: tabular-nums;
  display: grid; grid-template: "head head" auto "main side" 1fr / minmax(0, 1fr) 17rem; min-height: 100vh;
}
header { grid-area: head; padding: .8rem 1.2rem; border-bottom: 1px solid var(--line);
  display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; align-items: baseline }
h1 { font-size: 1.2rem; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 1rem; margin: 0 0 .4rem }
#progress { margin: 0; color: var(--soft) }
.track { flex-basis: 100%; height: .3rem; border-radius: .2rem; background: var(--line); overflow: hidden }
.track i { display: block; height: 100%; background: var(--accent) }
main { grid-area: main; padding: 1rem 1.2rem }
#why { margin: 0 0 .7rem; color: var(--soft) }
#pictures { list-style: none; margin: 0; padding: 0; display: grid; gap: .7rem;
  grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)) }
#pictures li { background: var(--card); border: 2px solid var(--line); border-radius: .5rem; padding: .4rem;
  cursor: pointer; min-width: 0 }
#pictures li[aria-selected="true"] { border-color: var(--accent) }
#pictures li[aria-selected="false"] img { opacity: .4 }
#pictures li:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
#pictures img { display: block; width: 100%; height: 10rem; object-fit: contain }
#pictures span { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: .85rem }
.soft, #pictures .file { color: var(--soft) }
#error { color: var(--bad); font-weight: 550 }
aside { grid-area: side; border-left: 1px solid var(--line); padding: 1rem }
#classes { list-style: none; margin: 0 0 1rem; padding: 0; max-height: 40vh; overflow: auto }
#classes button { display: flex; gap: .6rem; width: 100%; text-align: left }
#classes button b { min-width: 1.2em; color: var(--accent) }
#classes button span { flex: 1; overflow-wrap: anywhere }
button, input { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line);
  border-radius: .35rem; padding: .25rem .55rem }
button { cursor: pointer }
button:disabled { opacity: .5; cursor: default }
button.suggested { border-color: var(--accent) }
input { width: 100% }
form label { font-size: .85rem; color: var(--soft) }
.actions { display: flex; flex-wrap: wrap; gap: .4rem }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .8rem; margin: 1rem 0; font-size: .85rem }
dt { font-weight: 600 }
dd { margin: 0; color: var(--soft) }
code { overflow-wrap: anywhere }
body.busy #pictures { opacity: .6 }
@media (max-width: 45rem) {
  body { grid-template: "head" auto "main" auto "side" auto / minmax(0, 1fr) }
  aside { border: 0; border-top: 1px solid var(--line) }
}
`;

/** The page's script. */
export const SCRIPT = `const at = (id) => document.getElementById(id);
const token = document.querySelector("meta[name=token]").content;
const percent = (value) => Math.round(100 * value) + " %";
let state;
let chosen = new Set();
let focused = 0;
let busy = false;

const element = (name, text, given = {}) =>
  Object.assign(document.createElement(name), { textContent: text, ...given });

function show(next) {
  state = next;
  chosen = new Set(state.pictures.map(({ row }) => row));
  focused = 0;
  const { about, total, labelled, skipped, guessed, suggestion } = state;
  at("dir").textContent = about.dir;
  at("table").textContent = about.table;
  const share = guessed.count > 0
    ? " · " + about.model + " was right about " + guessed.right + " of the last " + guessed.count + ", the least sure ones" : "";
  at("progress").textContent = labelled + " of " + total + " labelled"
    + (skipped > 0 ? ", " + skipped + " skipped" : "") + share;
  at("bar").style.width = (100 * labelled) / Math.max(1, total) + "%";
  at("why").textContent = state.why;
  at("pictures").replaceChildren(...state.pictures.map(picture));
  at("classes").replaceChildren(...state.classes.map(({ name, count }, i) => {
    const button = element("button", "", { type: "button", onclick: () => label(name) });
    button.classList.toggle("suggested", name === suggestion);
    button.append(element("b", i < 9 ? i + 1 : ""), element("span", name), element("i", count));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
  at("names").replaceChildren(...state.classes.map(({ name }) => element("option", "", { value: name })));
  at("accept").disabled = suggestion === undefined;
  at("accept").textContent = suggestion === undefined ? "Enter: agree" : "Enter: " + suggestion;
  at("skip").disabled = state.pictures.length === 0;
  at("undo").disabled = !state.canUndo;
  at("name").value = "";
  if (state.pictures.length > 0 && state.classes.length === 0) at("name").focus();
  else focus(0);
}

function picture({ row, file, guess }, i) {
  const item = element("li", "", { tabIndex: i === 0 ? 0 : -1, title: file });
  item.setAttribute("role", "option");
  item.setAttribute("aria-selected", "true");
  item.append(
    element("img", "", { src: "picture/" + row, alt: file }),
    element("span", guess ? guess.name + " " + percent(guess.probability) : "\\u00a0"),
    element("span", file, { className: "file" }),
  );
  item.onclick = () => (focus(i), toggle(i));
  return item;
}

function focus(i) {
  const items = at("pictures").children;
  if (items.length === 0) return void document.activeElement?.blur();
  items[focused]?.setAttribute("tabindex", "-1");
  focused = (i + items.length) % items.length;
  items[focused].setAttribute("tabindex", "0");
  items[focused].focus();
}

function mark() {
  [...at("pictures").children].forEach((item, i) =>
    item.setAttribute("aria-selected", String(chosen.has(state.pictures[i].row))));
}

function toggle(i) {
  const { row } = state.pictures[i];
  if (!chosen.delete(row)) chosen.add(row);
  mark();
}

async function act(action) {
  if (busy) return;
  busy = true;
  document.body.classList.add("busy");
  try {
    const response = await fetch("api/act", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Ocelli-Token": token },
      body: JSON.stringify({ turn: state.turn, ...action }),
    });
    const answer = await response.json();
    at("error").textContent = answer.error ?? "";
    if (!answer.error) show(answer);
  } catch {
    at("error").textContent = "ocelli label has ended: nothing that was labelled is lost";
  } finally {
    busy = false;
    document.body.classList.remove("busy");
  }
}

const rows = () => state.pictures.map(({ row }) => row).filter((row) => chosen.has(row));
const label = (name) => act({ do: "label", rows: rows(), name });
const accept = () => state.suggestion !== undefined && label(state.suggestion);
const skip = () => state.pictures.length > 0 && act({ do: "skip", rows: rows() });
const undo = () => state.canUndo && act({ do: "undo" });

at("accept").onclick = accept;
at("skip").onclick = skip;
at("undo").onclick = undo;
at("form").onsubmit = (event) => {
  event.preventDefault();
  if (at("name").value.trim() !== "") label(at("name").value);
};

const KEYS = {
  s: skip, u: undo, n: () => at("name").focus(),
  a: () => {
    const all = state.pictures.map(({ row }) => row);
    chosen = new Set(chosen.size === all.length ? [] : all);
    mark();
  },
  ArrowRight: () => focus(focused + 1),
  ArrowLeft: () => focus(focused - 1),
  " ": () => state.pictures.length > 0 && toggle(focused),
  Enter: accept,
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !state) return;
  if (event.target === at("name")) {
    if (event.key === "Escape") focus(focused);
    return;
  }
  if (event.target instanceof HTMLButtonElement && [" ", "Enter"].includes(event.key)) return;
  const digit = state.classes[Number(event.key) - 1];
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const action = /^[1-9]$/.test(key) ? digit && (() => label(digit.name)) : KEYS[key];
  if (!action) return;
  event.preventDefault();
  action();
});

show(await (await fetch("api/state")).json());
`;
