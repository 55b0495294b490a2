/** @file The page: a folder of pictures is dropped, and found again by words, by a picture, or by both, in this tab. */

import { byId, make } from "../page/dom.ts";
import { type FoundFile, chosenFiles, filesOf } from "../page/folder.ts";
import { WorkerClient } from "../page/worker-client.ts";
import type { Answers, Found, Picture, Request } from "./protocol.ts";

/** Files that the worker takes between two searches. */
const AT_ONCE = 4;
/** Pictures that are shown, and more of them at a time. */
const SHOWN = 60;
/** A search begins so long after the last letter, in milliseconds. */
const PAUSE = 250;

const worker = new WorkerClient<Request, Answers>(
  new Worker(new URL("worker.js", import.meta.url), { type: "module" }),
  () => undefined,
);

const status = byId("status");
const told = byId("told");
const words = byId<HTMLInputElement>("words");
const picture = byId<HTMLInputElement>("picture");
const liked = byId("liked");
const drop = byId("drop");
const taking = byId<HTMLProgressElement>("taking");
const taken = byId("taken");
const grid = byId("grid");
const more = byId<HTMLButtonElement>("more");
const forget = byId<HTMLButtonElement>("forget");

/** The album, by hash, with each picture's element. */
const album = new Map<string, { readonly picture: Picture; readonly item: HTMLLIElement }>();
/** The picture of the query: of the album, or a file. */
let like: { readonly id: string } | { readonly file: File } | undefined;
/** The pictures in the order in which they are shown; without a query that of their paths. */
let order: readonly (Pick<Found, "id"> & Partial<Found>)[] = [];
let shown = SHOWN;
/** Counts searches, so that a late answer does not take the place of a newer one. */
let asked = 0;

/** Shows an error where it belongs; nothing else is lost. */
const telling =
  (where: HTMLElement, act: () => Promise<void>): (() => void) =>
  () => {
    where.classList.remove("problem");
    void act().catch((error: unknown) => {
      where.textContent = (error as Error).message;
      where.classList.add("problem");
    });
  };

async function open(): Promise<void> {
  const webgpu = new URLSearchParams(location.search).get("device") === "webgpu";
  const { engine, lacksWebGpu, keeps, pictures } = await worker.ask("open", { webgpu });
  const notes = [
    lacksWebGpu ? "; this browser offers no WebGPU" : "",
    keeps ? "" : "; this window keeps nothing over a reload",
  ];
  status.textContent = `${engine}${notes.join("")}`;
  words.disabled = picture.disabled = false;
  byId<HTMLInputElement>("folder").disabled = byId<HTMLInputElement>("files").disabled = false;
  put(pictures);
  document.body.dataset.ready = "";
}

/** Puts pictures into the album. */
function put(pictures: readonly Picture[]): void {
  for (const one of pictures) album.set(one.id, { picture: one, item: itemOf(one) });
  forget.disabled = album.size === 0;
  document.body.toggleAttribute("data-empty", album.size === 0);
  if (album.size > 0 && order.length === 0) list();
}

/** An element for a picture. */
function itemOf({ id, path, thumbnail }: Picture): HTMLLIElement {
  const name = path.split("/").at(-1)!;
  const similar = make(
    "button",
    { type: "button", "aria-label": `More like this: ${name}` },
    "More like this",
  );
  similar.addEventListener("click", () => {
    like = { id };
    words.value = "";
    search();
    words.scrollIntoView({ block: "center" });
  });
  return make(
    "li",
    { "data-path": path },
    make("img", { src: URL.createObjectURL(thumbnail), alt: name, loading: "lazy" }),
    make(
      "div",
      { class: "about" },
      make("span", { class: "name", title: path }, name),
      make("span", { class: "score" }),
    ),
    similar,
  );
}

/** Shows all pictures by their paths. */
function list(): void {
  const paths = [...album.values()].map(({ picture: { id, path } }) => ({ id, path }));
  order = paths.sort((a, b) => a.path.localeCompare(b.path, undefined, { numeric: true }));
  shown = SHOWN;
  told.textContent = `${album.size} pictures`;
  show();
}

function show(): void {
  const items = order.slice(0, shown).flatMap(({ id, score }) => {
    const item = album.get(id)?.item;
    if (!item) return [];
    item.querySelector(".score")!.textContent = score === undefined ? "" : score.toFixed(3);
    return [item];
  });
  grid.replaceChildren(...items);
  more.hidden = order.length <= shown;
}

const search = telling(told, async () => {
  const turn = ++asked;
  showLiked();
  const text = words.value.trim();
  if (text === "" && !like) return list();
  if (album.size === 0) throw new Error("There are no pictures yet: drop a folder.");
  const query = {
    ...(text !== "" && { words: text }),
    ...(like && ("id" in like ? { like: like.id } : { file: like.file })),
  };
  const { found, notes } = await worker.ask("search", query);
  if (turn !== asked) return;
  order = found;
  shown = SHOWN;
  told.textContent = [`${found.length} pictures, the best first`, ...notes].join("; ");
  document.body.dataset.searched = JSON.stringify([text, like !== undefined]);
  show();
});

/** The picture of the query, with a button that takes it back. */
function showLiked(): void {
  liked.replaceChildren();
  liked.hidden = !like;
  if (!like) return;
  const file = "id" in like ? album.get(like.id)!.picture.thumbnail : like.file;
  const name = "id" in like ? album.get(like.id)!.picture.path.split("/").at(-1)! : like.file.name;
  const away = make("button", { type: "button", "aria-label": `Search without ${name}` }, "×");
  away.addEventListener("click", () => {
    like = undefined;
    search();
    words.focus();
  });
  const image = make("img", { src: URL.createObjectURL(file), alt: "" });
  image.addEventListener("load", () => URL.revokeObjectURL(image.src));
  liked.append(image, make("span", {}, `like ${name}`), away);
}

/** Takes files in, a few at a time. */
async function take(files: readonly FoundFile[]): Promise<void> {
  if (files.length === 0) throw new Error("There are no files in it.");
  taking.max = files.length;
  taking.value = 0;
  taking.hidden = false;
  let [added, known, again] = [0, 0, 0];
  const refused: { path: string; reason: string }[] = [];
  try {
    for (let at = 0; at < files.length; at += AT_ONCE) {
      const some = files.slice(at, at + AT_ONCE);
      const answer = await worker.ask("take", { files: some });
      put(answer.pictures);
      added += answer.pictures.length;
      known += answer.known;
      again += answer.again;
      refused.push(...answer.refused);
      taking.value = at + some.length;
      taken.textContent = `${at + some.length} of ${files.length} files`;
    }
  } finally {
    taking.hidden = true;
  }
  const parts = [
    `${added} pictures added`,
    ...(known > 0 ? [`${known} of them known from before`] : []),
    ...(again > 0 ? [`${again} here already`] : []),
    ...(refused.length > 0
      ? [`${refused.length} left out, such as ${refused[0].path}: ${refused[0].reason}`]
      : []),
  ];
  taken.textContent = parts.join("; ");
  search();
}

async function clear(): Promise<void> {
  await worker.ask("forget", {});
  location.reload();
}

let waiting: ReturnType<typeof setTimeout> | undefined;
words.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(search, PAUSE);
});
byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(waiting);
  search();
});
picture.addEventListener("change", () => {
  const [file] = picture.files ?? [];
  picture.value = "";
  if (!(file as File | undefined)) return;
  like = { file };
  search();
});
for (const input of [byId<HTMLInputElement>("folder"), byId<HTMLInputElement>("files")]) {
  input.addEventListener("change", () => {
    const files = chosenFiles(input.files ?? []);
    input.value = ""; // the same folder may be chosen again
    telling(taken, () => take(files))();
  });
}
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
addEventListener("dragleave", ({ relatedTarget }) => {
  if (!relatedTarget) drop.classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const dropped = filesOf(event.dataTransfer!);
  telling(taken, async () => take(await dropped))();
});
more.addEventListener("click", () => {
  const first = grid.children.length;
  shown += SHOWN;
  show();
  grid.children[first]?.querySelector("button")?.focus();
});
forget.addEventListener("click", telling(taken, clear));
telling(status, open)();
