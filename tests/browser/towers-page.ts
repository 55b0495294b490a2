/** @file A page that opens exported towers and gives vectors of the pictures and texts that it is asked for. */

import { loadTowers } from "../../src/web/index.ts";

declare global {
  var embed: (
    texts: readonly string[],
    pictures: readonly string[],
  ) => Promise<{ texts: number[][]; pictures: number[][]; notes: string[]; engine: string }>;
}

globalThis.embed = async (texts, pictures) => {
  const ort = (await import("/ort/ort.wasm.min.mjs" as string)) as never;
  const towers = await loadTowers("/model/", {
    ort,
    device: "wasm",
    threads: 2,
    wasmPaths: "/ort/",
  });
  const bytes = pictures.map((base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
  const numbers = (vectors: readonly Float32Array[]) => vectors.map((vector) => [...vector]);
  const result = {
    texts: numbers(await towers.embedTexts(texts)),
    pictures: numbers(await towers.embedPictures(bytes)),
    notes: towers.notesOn(texts),
    engine: towers.engine,
  };
  await towers.dispose();
  return result;
};
