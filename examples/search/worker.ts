/** @file The worker: makes vectors of pictures and words, and ranks the ones by the other. */

import { type Towers, hasWebGpu, loadTowers, meanVector, nearest } from "ocelli/web";
import type { FoundFile } from "../page/folder.ts";
import { answerInTurn } from "../page/worker-server.ts";
import { Album } from "./album.ts";
import type { Answers, Picture, Request } from "./protocol.ts";

/** The longer side of a thumbnail, in pixels. */
const THUMBNAIL = 384;

let towers: Towers;
let album: Album;

const ANSWERS: {
  readonly [K in Request["kind"]]: (request: Extract<Request, { kind: K }>) => Promise<Answers[K]>;
} = {
  async open({ webgpu }) {
    const gpu = webgpu && (await hasWebGpu());
    towers = await loadTowers("model/", { device: gpu ? "webgpu" : "wasm" });
    const name = `ocelli-search ${globalThis.location.pathname}`;
    const [opened, pictures] = await Album.open(name, towers.fingerprint);
    album = opened;
    return {
      ...{ engine: towers.engine, pictures, keeps: album.keeps },
      lacksWebGpu: webgpu && !gpu,
    };
  },
  async take({ files }) {
    const pictures: (Picture & { readonly vector: Float32Array })[] = [];
    const refused: { path: string; reason: string }[] = [];
    let [known, again] = [0, 0];
    for (const { file, path } of files) {
      try {
        const id = await hashOf(file);
        if (album.vectorOf(id) || pictures.some((picture) => picture.id === id)) {
          again++;
          continue;
        }
        const entry = await album.known(id);
        if (entry) known++;
        pictures.push({ id, path, ...(entry ?? (await looked(file))) });
      } catch (error) {
        refused.push({ path, reason: (error as Error).message });
      }
    }
    await album.add(pictures);
    const shown = pictures.map(({ id, path, thumbnail }) => ({ id, path, thumbnail }));
    return { pictures: shown, known, again, refused };
  },
  async search({ words, file, like }) {
    const parts: Float32Array[] = [];
    const texts = words === undefined ? [] : [words];
    parts.push(...(await towers.embedTexts(texts)));
    if (file) parts.push(...(await towers.embedPictures([file])));
    const liked = like === undefined ? undefined : album.vectorOf(like);
    if (liked) parts.push(liked);
    if (parts.length === 0) throw new Error("Say what to search for, or choose a picture.");
    const { ids } = album;
    const found = nearest(meanVector(parts), album.vectors);
    return {
      found: found.map(({ index, score }) => ({ id: ids[index], score })),
      notes: towers.notesOn(texts),
    };
  },
  async forget() {
    await album.clear();
    return {};
  },
};

/** The SHA-256 of a file's bytes, in hexadecimal. */
async function hashOf(file: File): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What a picture's file becomes. */
async function looked(file: FoundFile["file"]) {
  const [vector] = await towers.embedPictures([file]);
  return { vector, thumbnail: await thumbnailOf(file) };
}

/** A picture in small. */
async function thumbnailOf(file: File): Promise<Blob> {
  const whole = await createImageBitmap(file);
  const scale = Math.min(1, THUMBNAIL / Math.max(whole.width, whole.height));
  const [width, height] = [whole.width, whole.height].map((side) =>
    Math.max(1, Math.round(side * scale)),
  );
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, 0, 0, width, height);
  whole.close();
  return canvas.convertToBlob({ type: "image/webp", quality: 0.85 });
}

answerInTurn((request: Request) => ANSWERS[request.kind](request as never));
