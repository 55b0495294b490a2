/** @file Two exported towers in a browser: pictures and texts become vectors of one space, as in Node. */

import { OcelliError, unknownName } from "../errors.ts";
import type { HostArray } from "../graph/index.ts";
import { checkNumbers, prepareImages, rowOf } from "../served/answering.ts";
import { disposeTree, readTree } from "../served/device-trees.ts";
import type { ServedModel, ServedTexts } from "../served/model.ts";
import { notesOnTexts } from "../served/texts.ts";
import { toUnitLength } from "../served/vectors.ts";
import { type Rows, tokenizerOf } from "../tasks/index.ts";
import { type Tokenizer, openTokenizer } from "../text/index.ts";
import { type PictureInput, readPicture } from "./decode.ts";
import { type LoadOptions, addressOf, bytesAt, describedFolder, openTabEngine } from "./loading.ts";

/** A model of pictures and texts in a browser tab. It owns memory until it is disposed. */
export interface Towers {
  /** What computes, in one line. */
  readonly engine: string;
  /** Vectors under one fingerprint are of one space and may be kept together. */
  readonly fingerprint: string;
  /** Vectors of pictures, each of length 1: files, their bytes, or pixels. The tower of images is loaded at the first call. */
  embedPictures(pictures: readonly PictureInput[]): Promise<Float32Array[]>;
  /** Vectors of texts, each of length 1. The tower of texts is loaded at the first call. */
  embedTexts(texts: readonly string[]): Promise<Float32Array[]>;
  /** A line for each text that the model does not read whole: it is cut, or some of its tokens are unknown. */
  notesOn(texts: readonly string[]): string[];
  dispose(): Promise<void>;
}

/** Pictures computed together, at most; fewer go by powers of two, so that few programs are compiled. */
const AT_ONCE = 8;

/**
 * Loads the folder that `ocelli export --to web` wrote of a model of images and texts. The tokenizer is fetched at once, each
 * tower when it is asked for the first time; the product of two vectors says how well a picture and a text belong together.
 *
 * @param url of the folder, relative to the page
 * @throws a data error where something cannot be fetched; an argument error where the folder has no towers
 * @example
 * const towers = await loadTowers("/pairs/");
 * const [query] = await towers.embedTexts(["a red bird"]);
 * const vectors = await towers.embedPictures([...input.files]);
 * const [{ index, score }] = nearest(query, vectors);
 */
export async function loadTowers(
  url: string | URL,
  { weights = "float32", decode = "exact", ...options }: LoadOptions = {},
): Promise<Towers> {
  const folder = addressOf(url);
  const { towers, task, fingerprint = "" } = await describedFolder(folder);
  if (!towers) {
    throw new OcelliError("argument", `${folder.href} holds no towers of images and texts.`, {
      hint: "Open it by loadClassifier.",
    });
  }
  const tokenizer = towers.text && (await tokenizerAt(folder, task));
  const engine = await openTabEngine(options);

  /** A tower that is opened at its first use; where that fails, the next use tries again. */
  const lazily = (name: string): (() => Promise<ServedModel>) => {
    let opening: Promise<ServedModel> | undefined;
    const open = async (): Promise<ServedModel> => {
      if (!Object.hasOwn(towers, name)) {
        throw unknownName(`tower of ${folder.href}`, name, Object.keys(towers), "argument");
      }
      const { files = {} } = towers[name];
      if (!Object.hasOwn(files, weights)) {
        throw unknownName(`file of ${folder.href}`, weights, Object.keys(files), "argument");
      }
      const file = new URL(files[weights], folder);
      return engine.open(await bytesAt(file), file.href, tokenizer);
    };
    return () =>
      (opening ??= open().catch((error: unknown) => {
        opening = undefined;
        throw error;
      }));
  };
  const [openImages, openTexts] = ["image", "text"].map(lazily);
  let program: ReturnType<ServedModel["compile"]> | undefined;
  const embedImages = async (model: ServedModel, images: readonly HostArray[]) => {
    const { heads, main } = model.task;
    program ??= model.compile((outputs) => ({ vectors: heads[main](outputs) }));
    const arrays = await program({ image: prepareImages(model, images) });
    const rows = (await readTree(arrays)) as Rows;
    disposeTree(arrays);
    checkNumbers(folder.href, rows);
    return images.map((_, row) =>
      toUnitLength((rowOf(rows, row).vectors.data as Float32Array).slice()),
    );
  };
  return {
    engine: engine.description,
    fingerprint: `${fingerprint} ${weights} ${decode}`,
    async embedPictures(pictures) {
      const model = await openImages();
      const { alpha } = model.preprocessing;
      const vectors: Float32Array[] = [];
      for (let at = 0; at < pictures.length;) {
        const count = 2 ** Math.floor(Math.log2(Math.min(AT_ONCE, pictures.length - at)));
        const images: HostArray[] = [];
        for (const picture of pictures.slice(at, at + count)) {
          images.push(await readPicture(picture, { alpha, decode }));
        }
        vectors.push(...(await embedImages(model, images)));
        at += count;
      }
      return vectors;
    },
    async embedTexts(texts) {
      if (texts.length === 0) return [];
      const { shape, data } = await ((await openTexts()).texts as ServedTexts).embed(texts);
      return texts.map((_, row) =>
        (data as Float32Array).slice(row * shape[1], (row + 1) * shape[1]),
      );
    },
    notesOn: (texts) => (tokenizer ? notesOnTexts({ tokenizer }, texts) : []),
    dispose: () => engine.dispose(),
  };
}

/** The tokenizer of a folder. */
async function tokenizerAt(folder: URL, task: unknown): Promise<Tokenizer> {
  const choice = tokenizerOf((task ?? {}) as Parameters<typeof tokenizerOf>[0]);
  if (!choice) {
    throw new OcelliError("format", `${folder.href}model.json says nothing of its tokenizer.`);
  }
  const { file, sha256: _, ...card } = choice;
  return openTokenizer(card, await bytesAt(new URL(file, folder)));
}
