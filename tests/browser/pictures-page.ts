/** @file The page of the test on picture files: answers and pixels as the browser entry has them. */

import { crc32 } from "../../src/formats/crc32.ts";
import { type Classifier, loadClassifier } from "../../src/web/index.ts";
import { readPicture } from "../../src/web/decode.ts";

/** What is seen of a picture. */
export interface Seen {
  readonly scores: Readonly<Record<string, number>>;
  readonly shape: readonly number[];
  /** Of the pixels. */
  readonly crc: number;
  readonly pixels?: readonly number[];
}

declare global {
  /** What a picture's file, given as base64, becomes; with "fast" its pixels too. */
  var seePicture: (model: string, file: string, decode: "exact" | "fast") => Promise<Seen>;
}

const ORT = "/ort/ort.wasm.min.mjs";
let opened: Promise<Classifier> | undefined;

globalThis.seePicture = async (model, base64, decode) => {
  const ort = (await import(ORT)) as never;
  opened ??= loadClassifier(model, { ort, device: "wasm", wasmPaths: "/ort/" });
  const classifier = await opened;
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const answer = await classifier.predict(bytes);
  if (answer.kind !== "ranked") throw new Error(answer.kind);
  const { shape, data } = await readPicture(bytes, { alpha: [255, 255, 255], decode });
  const scores = Object.fromEntries(answer.ranked.map(({ name, score }) => [name, score]));
  const crc = crc32(data as Uint8Array);
  return { scores, shape, crc, ...(decode === "fast" && { pixels: [...(data as Uint8Array)] }) };
};
