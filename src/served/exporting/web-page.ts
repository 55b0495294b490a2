/** @file The page of an exported folder, and what it loads beside the model: Ocelli's script and the engine's files. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { needsPackage } from "../../packages/peers.ts";
import { makeNamedFolder, writeAtomically } from "../../files.ts";
import type { ModelCard } from "../../models/index.ts";

/** Names of the page's files. */
export const PAGE_FILES = { page: "index.html", script: "ocelli.js", engine: "ort" } as const;

/** onnxruntime-web's loader and its WebAssembly, by what it computes on. A page loads one of the two. */
export const WEB_ENGINE_FILES = {
  wasm: ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"],
  webgpu: [
    "ort.webgpu.min.mjs",
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
  ],
} as const;

/**
 * Copies the engine of a page, the files of the installed `onnxruntime-web` for WebGPU and for WebAssembly, into a folder.
 *
 * @throws an "unsupported" error where `onnxruntime-web` is not installed
 */
export async function copyWebEngine(folder: string): Promise<void> {
  const from = webEngineFolder();
  await makeNamedFolder(folder);
  for (const file of Object.values(WEB_ENGINE_FILES).flat()) {
    await writeAtomically(join(folder, file), [await readFile(join(from, file))]);
  }
}

/**
 * Where the installed `onnxruntime-web` keeps its files.
 *
 * @throws an "unsupported" error where it is not installed
 */
export function webEngineFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
  } catch (cause) {
    throw needsPackage("onnxruntime-web", cause);
  }
}

const BUILT = new URL("../../web/built/ocelli.js", import.meta.url);
const BUILDER = new URL("../../../scripts/build-web.ts", import.meta.url);

/** Copies script and engine into an exported folder; the script's bytes. */
export async function copyWebRuntime(folder: string): Promise<number> {
  await copyWebEngine(join(folder, PAGE_FILES.engine));
  const script = existsSync(BUILT) ? await readFile(BUILT) : await build();
  await writeAtomically(join(folder, PAGE_FILES.script), [script]);
  return script.length;
}

/** In the repository the script is built at once. */
async function build(): Promise<Uint8Array> {
  const builder = (await import(BUILDER.href)) as { buildWeb(): Promise<Uint8Array> };
  return builder.buildWeb();
}

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

/** A page of some twenty lines that uses a model, or the two towers of one. */
export const pageOf = (card: ModelCard, parts: readonly string[]): string => `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <meta name="viewport" content="width=device-width" />
  <title>${escaped(card.model.name)} · ${escaped(card.task.name)}</title>
  <link rel="icon" href="data:," />
  ${parts.length > 1 ? SEARCH : ANSWERS}
</html>
`;

/** A picture is chosen, and the model's answer is shown. */
const ANSWERS = `<style>:root { color-scheme: light dark; font: 1rem/1.5 system-ui } body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem } img { max-width: 100%; max-height: 50vh; display: block; margin: 1rem 0 }</style>
  <label>Choose a picture: <input id="file" type="file" accept="image/*" disabled /></label>
  <img id="picture" alt="the chosen picture" hidden />
  <p id="answer" role="status">Loading the model …</p>
  <script type="module">
    import { describeAnswer, loadClassifier } from "./ocelli.js";
    const [file, picture, answer] = ["file", "picture", "answer"].map((id) => document.getElementById(id));
    const show = (work) => work.then((text) => (answer.textContent = text), (error) => (answer.textContent = error.message));
    file.onchange = async () => {
      const [chosen] = file.files;
      if (!chosen) return;
      URL.revokeObjectURL(picture.src);
      picture.src = URL.createObjectURL(chosen);
      picture.hidden = false;
      file.disabled = true; // one picture after the other
      await show(model.predict(chosen).then(describeAnswer));
      file.disabled = false;
    };
    let model;
    show(loadClassifier(".").then((loaded) => ((model = loaded), (file.disabled = false), loaded.engine)));
  </script>`;

/** Pictures are chosen, and ranked by words. */
const SEARCH = `<style>:root { color-scheme: light dark; font: 1rem/1.5 system-ui } body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem } ol { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 1rem; padding: 0; list-style: none } img { width: 100%; aspect-ratio: 1; object-fit: contain }</style>
  <p><label>Choose pictures: <input id="files" type="file" accept="image/*" multiple disabled /></label></p>
  <form id="ask"><label>Words: <input id="words" required disabled /></label> <button>Search</button></form>
  <p id="answer" role="status">Loading the model …</p>
  <ol id="found"></ol>
  <script type="module">
    import { loadTowers, nearest } from "./ocelli.js";
    const [files, ask, words, answer, found] = ["files", "ask", "words", "answer", "found"].map((id) => document.getElementById(id));
    const show = (work) => work.then((text) => (answer.textContent = text), (error) => (answer.textContent = error.message));
    const pictures = [];
    const vectors = [];
    const take = async () => {
      for (const file of files.files) {
        vectors.push(...(await model.embedPictures([file])));
        const img = Object.assign(new Image(), { src: URL.createObjectURL(file), alt: file.name });
        const caption = document.createElement("small");
        pictures.push({ file, caption, item: document.createElement("li") });
        pictures.at(-1).item.append(img, caption);
        found.append(pictures.at(-1).item);
        answer.textContent = pictures.length + " pictures";
      }
      return pictures.length + " pictures";
    };
    files.onchange = () => show(take());
    ask.onsubmit = (event) => {
      event.preventDefault();
      show(model.embedTexts([words.value]).then(([query]) => {
        for (const { index, score } of nearest(query, vectors)) {
          pictures[index].caption.textContent = pictures[index].file.name + " " + score.toFixed(3);
          found.append(pictures[index].item); // the best comes first, and each later one behind it
        }
        return "";
      }));
    };
    let model;
    show(loadTowers(".").then((loaded) => ((model = loaded), (files.disabled = words.disabled = false), loaded.engine)));
  </script>`;
