/** @file The page's questions about a run's pictures: listed, shown, looked at by its model, explained. */

import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { Context, Hono } from "hono";
import { withoutNetwork } from "../../data/files/http.ts";
import { createBoundedGate } from "../../data/time-limit.ts";
import { OcelliError, unknownName } from "../../errors.ts";
import { EXPLAIN_METHODS } from "../../evaluate/explain-methods.ts";
import { isLocal } from "../../http/headers.ts";
import { type AlphaRule, COLOURS } from "../../preprocess/alpha.ts";
import { isObject } from "../../runs/read-config.ts";
import { readJson } from "../../runs/read.ts";
import type { RunWatcher } from "../watcher.ts";
import type { Look } from "./look.ts";
import type { OpenSplit } from "./run-data.ts";

/** Pictures of a page. */
const PAGE = 60;
/** The longer side of a picture in a list, and of one alone, in pixels. */
const SIDES = { small: 112, large: 448 } as const;
/** Looks that are kept. */
const KEPT = 4;
/** Work of models, and pictures to be decoded, that are under way or wait at most. */
const [WORK, DECODING] = [8, 256];

const NOT_LOCAL = "pictures of data are shown only where the page is this machine's alone";
/** A run folder from elsewhere must not make this machine ask for an address. */
const NO_NETWORK = "The dashboard reads data of this machine only; ocelli data shows it.";

/** Adds the routes; what is returned gives up the models that they hold. */
export function addPictureRoutes(
  app: Hono,
  watcher: RunWatcher,
  host: string,
): () => Promise<void> {
  // What reads data and runs models is loaded when it is first asked for: the page itself is there at once.
  const store = once(async () => new (await import("./run-data.ts")).RunDataStore());
  const explanations = once(async () => new (await import("./explanations.ts")).Explanations());
  const looks = new Map<string, Promise<Look>>();
  const decoding = createBoundedGate(DECODING); // one picture's pixels in memory at a time
  const compute = createBoundedGate(WORK);
  const folderOf = async (name: string): Promise<string> => {
    const folder = await watcher.folder(name);
    if (folder === undefined) throw new OcelliError("argument", "there is no such run.");
    return folder;
  };

  // The data is what a run folder names, wherever it lies on this machine: nobody else is shown it.
  for (const path of ["/api/data/*", "/api/look", "/api/explain"]) {
    app.use(path, (context, next) =>
      isLocal(host) ? next() : Promise.resolve(context.text(NOT_LOCAL, 403)),
    );
  }
  app.get("/api/data", (context) =>
    answered(context, async () => {
      const folder = await folderOf(context.req.query("run") ?? "");
      const data = await store();
      const { dataset, splits } = await data.of(folder);
      const split = context.req.query("split") ?? splits[0];
      const opened = await data.open(folder, split);
      const wanted = context.req.query("label");
      const from = wholeNumber(context.req.query("from") ?? "0");
      return context.json({
        ...{ data: dataset.name, splits, split, names: opened.names, counts: countsOf(opened) },
        ...listed(opened, wanted === undefined ? undefined : wholeNumber(wanted), from),
      });
    }),
  );
  app.get("/api/data/picture", (context) =>
    answered(context, async () => {
      const folder = await folderOf(context.req.query("run") ?? "");
      const { source } = await (await store()).open(folder, context.req.query("split") ?? "");
      const index = indexIn(source.length, context.req.query("index"));
      const side = context.req.query("size") === "large" ? SIDES.large : SIDES.small;
      const alpha = await alphaOf(folder);
      const png = await decoding(async () => {
        const { image } = await source.read(index);
        const { smallPicture } = await import("../../served/pictures.ts");
        return smallPicture(image, alpha, side);
      });
      return context.body(new Uint8Array(png), 200, { "Content-Type": "image/png" });
    }),
  );

  const post = (
    path: string,
    answer: (context: Context, given: Given, folder: string) => Promise<Response>,
  ): void => {
    app.post(path, (context) =>
      answered(context, async () => {
        const given: unknown = await context.req.json().catch(() => undefined);
        if (!isObject(given)) throw new OcelliError("argument", "the body is no JSON object.");
        return answer(context, given, await folderOf(textOf(given.run)));
      }),
    );
  };
  post("/api/look", async (context, given, folder) => {
    const split = textOf(given.split);
    const opened = await (await store()).open(folder, split);
    const { lookAt } = await import("./look.ts");
    const key = JSON.stringify([folder, split, await versionOf(folder)]);
    const look = looks.get(key) ?? compute(() => lookAt(folder, opened));
    looks.delete(key);
    looks.set(key, look);
    const [oldest] = looks.keys();
    if (looks.size > KEPT) looks.delete(oldest);
    look.catch(() => looks.delete(key));
    return context.json(await look);
  });
  post("/api/explain", async (context, given, folder) => {
    const { source } = await (await store()).open(folder, textOf(given.split));
    const index = indexIn(source.length, given.index);
    const named = given.method ?? EXPLAIN_METHODS[0];
    const method = EXPLAIN_METHODS.find((valid) => valid === named);
    if (method === undefined)
      throw unknownName("method", textOf(named), EXPLAIN_METHODS, "argument");
    const label = given.label === undefined ? undefined : textOf(given.label);
    const wanted = { source, index, method, ...(label !== undefined && { label }) };
    const found = await compute(async () => (await explanations()).explain(folder, wanted));
    const { SCALE } = await import("../../explain/overlay.ts");
    return context.json({
      ...{ label: found.class, probability: found.probability, ranked: found.ranked.slice(0, 5) },
      ...{ original: dataUrl(found.original), map: dataUrl(found.pictures[0]), scale: SCALE },
    });
  });
  return async () => {
    if (explanations.isMade()) await (await explanations()).dispose();
  };
}

/** What is made at its first use. */
function once<T>(make: () => Promise<T>): (() => Promise<T>) & { isMade(): boolean } {
  let made: Promise<T> | undefined;
  return Object.assign(() => (made ??= make()), { isMade: () => made !== undefined });
}

type Given = Readonly<Record<string, unknown>>;

/** An answer; what is wrong with the question or the data, as a line for people. */
async function answered(context: Context, answer: () => Promise<Response>): Promise<Response> {
  try {
    return await withoutNetwork(NO_NETWORK, answer);
  } catch (error) {
    if (!(error instanceof OcelliError)) throw error;
    return context.text(error.message, error.code === "argument" ? 404 : 422);
  }
}

const dataUrl = (png: Uint8Array): string =>
  `data:image/png;base64,${Buffer.from(png).toString("base64")}`;

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw new OcelliError("argument", "a text is missing in the question.");
}

function wholeNumber(text: unknown): number {
  if (/^\d{1,9}$/.test(String(text))) return Number(text);
  throw new OcelliError("argument", "a number is missing in the question.");
}

function indexIn(length: number, text: unknown): number {
  const index = wholeNumber(text);
  if (index < length) return index;
  throw new OcelliError("argument", `there is no picture ${index} of ${length}.`);
}

/** How many examples each name has; undefined where that is not known without reading. */
function countsOf({ names, labels }: OpenSplit): number[] | undefined {
  if (!labels) return undefined;
  const counts = names.map(() => 0);
  for (const label of labels) if (label < counts.length) counts[label]++;
  return counts;
}

/** Some pictures of a split, of one label where it is named. */
function listed({ source, labels, names }: OpenSplit, label: number | undefined, from: number) {
  if (label !== undefined && !labels) {
    throw new OcelliError("argument", "the data's labels are not known without reading all of it.");
  }
  const all =
    label === undefined
      ? undefined
      : [...(labels ?? []).keys()].filter((i) => labels![i] === label);
  const total = all?.length ?? source.length;
  const items = Array.from({ length: Math.max(0, Math.min(PAGE, total - from)) }, (_, k) => {
    const index = all ? all[from + k] : from + k;
    const number = labels?.[index];
    return { index, id: source.id(index), label: number === undefined ? undefined : names[number] };
  });
  return { total, from, items };
}

/** What becomes of transparent parts, as the run's evaluation has it. */
async function alphaOf(folder: string): Promise<AlphaRule> {
  const { preprocess } = await readJson(join(folder, "config.json"));
  const text = isObject(preprocess) ? preprocess.eval : undefined;
  const { parsePreprocessing } = await import("../../preprocess/pipeline.ts");
  try {
    return typeof text === "string" ? parsePreprocessing(text).alpha : COLOURS.white;
  } catch {
    return COLOURS.white;
  }
}

/** Changes when the run's model does. */
async function versionOf(folder: string): Promise<string> {
  const files = ["checkpoint.safetensors", "checkpoints", "config.json"];
  const times = files.map((name) =>
    lstat(join(folder, name)).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    ),
  );
  return (await Promise.all(times)).join();
}
