/** @file The page of a served model: a picture is chosen and asked about. */

/** The page's HTML. */
export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width,initial-scale=1" />
<title>A model, served by Ocelli</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  html { background: Canvas; color: CanvasText }
  body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
  h1 { font-size: 1.3rem; margin-bottom: 0 }
  form { display: grid; gap: .75rem; margin: 1.5rem 0 }
  img { max-width: 100%; max-height: 45vh }
  .bar { display: grid; grid-template-columns: minmax(6rem, 1fr) 3fr 4.5rem; gap: .75rem; align-items: center }
  .bar div { background: color-mix(in srgb, currentColor 12%, transparent) }
  .bar i { display: block; height: .8rem; background: #2f7fb8 }
  .bar b { text-align: right; font-weight: 400; font-variant-numeric: tabular-nums }
  a { color: LinkText }
  pre, h1, h2, p { white-space: pre-wrap; overflow-wrap: anywhere }
  p { white-space: normal }
  h2 { font-size: 1.1rem; margin-bottom: .5rem }
  .maps { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; margin-bottom: .75rem }
  .maps figure { margin: 0 } .maps img { width: 100%; max-height: none }
  .scale { max-width: 20rem; margin-bottom: 1rem } .scale i { display: block; height: .8rem; border-radius: .4rem }
  .scale span { display: flex; justify-content: space-between }
  :focus-visible { outline: 2px solid #2f7fb8; outline-offset: 2px }
</style>
<main>
<h1 id="title">A model</h1>
<p id="about"></p>
<form>
  <label>Picture <input type="file" name="file" accept="image/*" required /></label>
  <label id="token" hidden>Token <input name="token" autocomplete="off" /></label>
  <div id="actions"></div>
</form>
<img id="picture" alt="the chosen picture" hidden />
<section id="answer" role="status"></section>
<p>As a program: <code>curl --data-binary @cat.jpg <span id="address"></span>predict</code>,
  described in <a href="openapi.json">openapi.json</a>; counts in <a href="metrics">metrics</a>.</p>
</main>
<script type="module" src="page.js"></script>
</html>
`;

/** The page's script. */
export const SCRIPT = `const at = (id) => document.getElementById(id);
const api = await (await fetch("openapi.json")).json();
at("title").textContent = api.info.title;
document.title = api.info.title;
at("about").textContent = api.info.description;
at("address").textContent = location.href;
at("token").hidden = !api.security;
const form = document.querySelector("form");
form.file.onchange = () => {
  const reader = new FileReader(); // a data URL: the policy of the page allows no others
  reader.onload = () => (at("picture").src = reader.result);
  reader.readAsDataURL(form.file.files[0]);
  at("picture").hidden = false;
  at("answer").replaceChildren();
};
const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });
const bar = ({ name, score }) => {
  const row = Object.assign(document.createElement("div"), { className: "bar" });
  const track = document.createElement("div");
  track.append(Object.assign(document.createElement("i"), { style: "width:" + 100 * score + "%" }));
  row.append(element("span", name), track, element("b", (100 * score).toFixed(1) + " %"));
  return row;
};
const figure = (src, caption) => {
  const made = document.createElement("figure");
  made.append(Object.assign(document.createElement("img"), { src, alt: caption }), element("figcaption", caption));
  return made;
};
function maps(answer) {
  const pair = Object.assign(document.createElement("div"), { className: "maps" });
  pair.append(figure(answer.original, "as the model sees it"), figure(answer.picture, "map of " + answer.class));
  const scale = Object.assign(document.createElement("div"), { className: "scale" });
  const ends = document.createElement("span");
  ends.append(element("small", "least of this map"), element("small", "most"));
  const bar = document.createElement("i");
  bar.style.background = answer.scale;
  scale.append(bar, ends);
  return [element("h2", answer.class + " · " + (100 * answer.probability).toFixed(1) + " %"), pair, scale];
}
function show(answer) {
  at("picture").hidden = Boolean(answer.picture) || !form.file.files[0];
  const parts = (answer.ranked ?? answer.areas ?? []).map(bar);
  if (answer.picture) parts.unshift(...maps(answer));
  if (answer.error) parts.push(element("p", answer.error));
  if (parts.length === 0) parts.push(element("pre", JSON.stringify(answer)));
  at("answer").replaceChildren(...parts);
}
async function ask(path) {
  if (!form.reportValidity()) return;
  const headers = api.security ? { Authorization: "Bearer " + form.token.value } : {};
  at("answer").textContent = "…";
  const response = await fetch(path, { method: "POST", headers, body: form.file.files[0] });
  show(await response.json());
}
for (const path of ["/predict", "/embed", "/explain"].filter((path) => path in api.paths)) {
  const button = element("button", path.slice(1));
  button.onclick = (event) => (event.preventDefault(), ask(path.slice(1)).catch((error) => show({ error: error.message })));
  at("actions").append(button, " ");
}
form.onsubmit = (event) => event.preventDefault();
`;
