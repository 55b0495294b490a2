/** @file Making an index and keeping it up to date: new, changed, moved and deleted pictures; resumed after a kill. */

import { stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { type DataProblem, DataProblems } from "../data/problems.ts";
import { readImage } from "../data/readers/images.ts";
import { describeUnread } from "../data/readers/image-names.ts";
import { imagesOf } from "../data/readers/tree-of-images.ts";
import { walkImages } from "../data/readers/walk-images.ts";
import { imageSource } from "../data/source.ts";
import { OcelliError } from "../errors.ts";
import { inLockedFolder } from "../runs/lock/lock.ts";
import type { OpenModelOptions } from "../served/open.ts";
import { hashBytes, planUpdate, type Seen } from "./changes.ts";
import { type Embedder, openEmbedder } from "./embedder.ts";
import {
  INDEX_FOLDER,
  type Manifest,
  closeShards,
  openShards,
  readManifest,
  rootOf,
  writeManifest,
} from "./folder.ts";
import { rememberIndex } from "./last.ts";
import { ShardWriter, tidyShards } from "./shards.ts";

/** The model that searches where none is named: it knows pictures, not words. */
const DEFAULT_MODEL = "efficientnet-lite0";

/** Options of {@link indexFolder}. */
export interface IndexOptions extends OpenModelOptions {
  /** The model of the vectors, whatever `openModel` takes. Default: that of the index, or efficientnet-lite0. */
  readonly model?: string;
  /** Where the index lies. Default: `.ocelli-search` in the folder. */
  readonly out?: string;
  /** Pictures computed together. Default: 16. */
  readonly batchSize?: number;
  readonly progress?: (done: number, total: number) => void;
  /** Stops after the batch at hand; what was computed is kept. */
  readonly signal?: AbortSignal;
}

/** What {@link indexFolder} did. */
export interface IndexResult {
  readonly index: string;
  readonly model: Manifest["model"];
  /** Pictures in the index. */
  readonly pictures: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Whose vectors were there already, under another name or time. */
  readonly kept: number;
  readonly unchanged: number;
  /** Pictures that cannot be read, with those of before. */
  readonly skipped: number;
  readonly problems: readonly DataProblem[];
  readonly interrupted: boolean;
  readonly seconds: number;
}

/**
 * Makes an index of all pictures at and below a folder, or brings one up to date: only new and changed pictures are
 * computed. Shards are written as they fill, so that after a kill no more than the last pictures are computed again.
 *
 * @throws a data error where the folder has no pictures; an argument error where the index is of another model
 * @example
 * await indexFolder("holiday", { model: "runs/pairs" }); // { pictures: 1200, added: 1200, … }
 */
export async function indexFolder(
  folder: string,
  { model, out, batchSize = 16, progress, signal, ...options }: IndexOptions = {},
): Promise<IndexResult> {
  const began = performance.now();
  const report = options.report ?? (() => undefined);
  const index = out ?? join(folder, INDEX_FOLDER);
  const { paths, note } = await picturesIn(folder);
  if (note !== undefined) report(note);
  const before = await readManifest(index);
  if (paths.length === 0 && !before) {
    throw new OcelliError("data", `${folder} has no images.`, { given: folder });
  }
  if (before && rootOf(index, before) !== resolve(folder)) {
    throw new OcelliError("argument", `${index} is the index of ${rootOf(index, before)}.`, {
      ...{ given: folder, hint: "Name another place as --out." },
    });
  }
  const embedder = await openEmbedder(model ?? before?.model.spec ?? DEFAULT_MODEL, options);
  try {
    checkModel(index, before, embedder.identity);
    return await inLockedFolder(index, { report }, async () => {
      const seconds = (): number => Math.round(performance.now() - began) / 1000;
      const done = await update(index, folder, paths, {
        before,
        embedder,
        batchSize,
        progress,
        signal,
      });
      await rememberIndex(index);
      return { index, model: embedder.identity, ...done, seconds: seconds() };
    });
  } finally {
    await embedder.dispose();
  }
}

/** An argument error where an index is of another model: vectors of several models cannot be compared. */
export function checkModel(
  index: string,
  manifest: Pick<Manifest, "model"> | undefined,
  { spec, sha256 }: Manifest["model"],
): void {
  if (!manifest || manifest.model.sha256 === sha256) return;
  const { model } = manifest;
  const what = model.spec === spec ? `${spec} as it was before, not as it is now` : model.spec;
  throw new OcelliError("argument", `${index} was made with ${what}; ${spec} cannot read it.`, {
    ...{ given: spec, valid: [model.spec] },
    hint: "Make an index of its own: ocelli search index DIR --model … --out ….",
  });
}

/** The pictures at and below a folder, sorted, with `/` between the parts of their paths; a line on those of other kinds. */
async function picturesIn(folder: string) {
  const { tree, unread } = await walkImages(folder);
  const paths = imagesOf(tree).map((path) => path.split(sep).join("/"));
  return { paths: paths.sort(), note: unread.length > 0 ? describeUnread(unread) : undefined };
}

interface Updating extends Pick<IndexOptions, "progress" | "signal"> {
  readonly before: Manifest | undefined;
  readonly embedder: Embedder;
  readonly batchSize: number;
}

async function update(
  index: string,
  folder: string,
  paths: readonly string[],
  { before, embedder, batchSize, progress, signal }: Updating,
) {
  const seen = await lookAt(folder, paths);
  const root = rootFrom(index, folder);
  const manifest = { version: 1, root, model: embedder.identity } as const;
  const shards = await openShards(index);
  try {
    const plan = await planUpdate(seen, shards, before?.unreadable ?? [], (path) =>
      readImage(join(folder, path)),
    );
    const touched = plan.todo.length + plan.kept.length + plan.removed > 0;
    if (!before || touched) {
      await writeManifest(index, { ...manifest, complete: false, unreadable: plan.unreadable });
    }
    const writer = await ShardWriter.open(index);
    for (const { file, shard, row } of plan.kept) await writer.add(file, shard.vector(row));
    const { computed, problems, unreadable } = await compute(folder, plan.todo, writer, {
      ...{ embedder, batchSize, progress, signal },
    });
    await writer.flush();
    const interrupted = signal?.aborted ?? false;
    const state = { ...manifest, unreadable: [...plan.unreadable, ...unreadable] };
    const bad = new Set(state.unreadable.map(({ path }) => path));
    const pictures = await tidyShards(index, new Set(paths.filter((path) => !bad.has(path))));
    await writeManifest(index, { ...state, complete: true });
    const changed = computed.filter((path) => plan.changed.has(path)).length;
    return {
      ...{ pictures, added: computed.length - changed, changed },
      ...{ removed: plan.removed, kept: plan.kept.length, unchanged: plan.unchanged },
      skipped: state.unreadable.length,
      problems,
      interrupted,
    };
  } finally {
    closeShards(shards);
  }
}

/** The folder of pictures as an index keeps it: from the index's place where that lies within, else whole. */
function rootFrom(index: string, folder: string): string {
  const inside = relative(resolve(folder), resolve(index));
  const isInside = !isAbsolute(inside) && !inside.startsWith("..");
  return isInside ? relative(resolve(index), resolve(folder)) || "." : resolve(folder);
}

/** Sizes and times of files; those that have gone meanwhile are left out. */
async function lookAt(folder: string, paths: readonly string[]): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const path of paths) {
    const found = await stat(join(folder, path)).catch(() => undefined);
    if (found?.isFile()) seen.push({ path, size: found.size, mtime: found.mtimeMs });
  }
  return seen;
}

/** Computes and writes the vectors of files. */
async function compute(
  folder: string,
  todo: readonly Seen[],
  writer: ShardWriter,
  { embedder, batchSize, progress, signal }: Omit<Updating, "before">,
) {
  const problems = new DataProblems();
  const unreadable: Manifest["unreadable"] = [];
  const computed: string[] = [];
  let done = 0;
  for (const part of slices(todo, CHUNK)) {
    if (signal?.aborted) break;
    const left = new DataProblems((problem) => problems.add(problem));
    const hashes = new Map<number, string>();
    const source = imageSource({
      ids: part.map(({ path }) => path),
      async image(k) {
        const bytes = await readImage(join(folder, part[k].path)).catch((error: unknown) => {
          left.add({ id: part[k].path, reason: String((error as Error).message) });
          return new Uint8Array();
        });
        hashes.set(k, hashBytes(bytes));
        return bytes;
      },
    });
    const tell = (count: number): void => progress?.(done + count, todo.length);
    const reading = { batchSize, onBadImage: "skip", problems: left, progress: tell } as const;
    const batches = embedder.images(source, reading);
    for await (const { indices, vectors } of unlessAllBad(batches, left, part.length)) {
      const dim = vectors.length / indices.length;
      for (const [row, k] of indices.entries()) {
        const vector = vectors.subarray(row * dim, (row + 1) * dim);
        computed.push(part[k].path);
        await writer.add({ ...part[k], sha256: hashes.get(k)! }, vector);
      }
      if (signal?.aborted) break;
    }
    const reasons = new Map(left.toJSON().examples.map(({ id, reason }) => [id, reason]));
    for (const one of part) {
      const reason = reasons.get(one.path);
      if (reason !== undefined) unreadable.push({ ...one, reason });
    }
    done += part.length;
  }
  return { computed, problems: problems.toJSON().examples, unreadable };
}

/** Files that are looked at together; of each that cannot be read the reason is listed. */
const CHUNK = 1000;

const slices = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, k) =>
    all.slice(k * size, (k + 1) * size),
  );

/** Batches; none where not one picture can be decoded, which `problems` holds. */
async function* unlessAllBad<T>(
  batches: AsyncGenerator<T, void>,
  problems: DataProblems,
  count: number,
): AsyncGenerator<T, void> {
  try {
    yield* batches;
  } catch (error) {
    if (problems.count < count) throw error;
  }
}
