/** @file What a report is made of, gathered from a run folder; whatever is absent is empty. */

import { join } from "node:path";
import { readOwn } from "../../files.ts";
import { listPictures } from "../list-pictures.ts";
import { type Json, isObject } from "../read-config.ts";
import { type Curve, readCurves } from "../read-curves.ts";
import { type Predictions, readPredictions } from "./classification/predictions.ts";
import { isPicture } from "./picture.ts";
import { type RunSummary, readJson, readRun } from "../read.ts";

/** An example with its true map and the model's, as data URLs. */
export interface MapExample {
  readonly id: string;
  readonly picture: string;
  readonly truth: string;
  readonly answer: string;
  /** The part of its pixels that is right. */
  readonly right: number;
}

/** Answers of the last evaluation that are maps. */
export interface MapAnswers {
  readonly names: readonly string[];
  /** The colour of each name, such as `#800000`. */
  readonly colours: readonly string[];
  readonly examples: readonly MapExample[];
}

/** An example that was left out of the data. */
export interface Problem {
  readonly id: string;
  readonly reason: string;
}

/** Pictures that may have been lost in decoding. */
export interface PicturesOf {
  readonly kind: string;
  readonly count: number;
  readonly ids: readonly string[];
}

/** A picture, as a data URL. */
export interface Picture {
  readonly name: string;
  readonly url: string;
}

/** All that a report shows. */
export interface Material {
  readonly run: RunSummary;
  readonly curves: Readonly<Record<string, Curve>>;
  /** Metrics whose curves are not among these. */
  readonly omitted: number;
  readonly predictions?: Predictions;
  /** Whether the model has named labels, and so predictions to come; true of runs from before they had a card. */
  readonly isLabelled: boolean;
  readonly answers?: MapAnswers;
  readonly augmented: readonly Picture[];
  /** Undefined where none were recorded, empty where there were none. */
  readonly problems?: {
    readonly count: number;
    readonly listed: readonly Problem[];
    /** Pictures by what they are, such as transparent: how many, and some of their ids. */
    readonly pictures: readonly PicturesOf[];
  };
  /** Names of labels without an image to learn from. */
  readonly untrained: readonly string[];
  readonly environment: Json;
  readonly result: Json;
}

/** Points of a curve in a report. */
const POINTS = 400;
const PICTURES = 16;
/** Bytes of the largest that is shown. */
const MAX_PICTURE = 8 * 1024 * 1024;

/** Reads what a report shows. */
export async function readMaterial(folder: string): Promise<Material> {
  const at = (name: string) => join(folder, name);
  const [run, card, { curves, omitted }, predictions, answers, ...others] = await Promise.all([
    readRun(folder),
    readJson(at("card.json")),
    readCurves(at("metrics.jsonl"), POINTS),
    readPredictions(folder),
    readAnswers(folder),
    readPictures(at("augmented")),
    readProblems(at("problems.json")),
    readJson(at("splits.json")),
    readJson(at("environment.json")),
    readJson(at("result.json")),
  ]);
  const [augmented, problems, splits, environment, result] = others;
  const isLabelled = !isObject(card.names) || Object.hasOwn(card.names, "label");
  const untrained = Array.isArray(splits.untrained) ? splits.untrained.map(String) : [];
  const pictured = { predictions, answers, augmented };
  const found = { run, isLabelled, curves, omitted, ...pictured, problems, untrained };
  return { ...found, environment, result };
}

/** The maps of a run folder's answers; undefined where they are absent or of another form. */
export async function readAnswers(folder: string): Promise<MapAnswers | undefined> {
  const { kind, names, colours, examples } = await readJson(join(folder, "answers.json"));
  const isWhole = Array.isArray(names) && Array.isArray(colours) && Array.isArray(examples);
  if (kind !== "map" || !isWhole || names.length !== colours.length) return undefined;
  if (!colours.every((colour) => /^#[0-9a-f]{6}$/.test(String(colour)))) return undefined;
  return {
    names: names.map(String),
    colours: colours.map(String),
    examples: examples.filter(isMapExample),
  };
}

const isMapExample = (value: unknown): value is MapExample =>
  isObject(value) &&
  typeof value.id === "string" &&
  typeof value.right === "number" &&
  [value.picture, value.truth, value.answer].every(isPicture);

async function readPictures(folder: string): Promise<Picture[]> {
  const names = await listPictures(folder);
  const pictures = await Promise.all(
    names.slice(0, PICTURES).map(async (name) => {
      const bytes = await readOwn(join(folder, name), MAX_PICTURE).catch(() => undefined);
      return bytes && { name, url: `data:image/png;base64,${bytes.toString("base64")}` };
    }),
  );
  return pictures.filter((picture) => picture !== undefined);
}

async function readProblems(path: string): Promise<Material["problems"]> {
  let value: unknown;
  try {
    value = JSON.parse(String(await readOwn(path)));
  } catch {
    return undefined;
  }
  const lists = isObject(value) ? Object.values(value).filter(Array.isArray) : [value];
  const entries = (Array.isArray(lists[0]) ? lists[0] : []).filter(isObject);
  const listed = entries.map(({ id, reason }) => ({ id: String(id), reason: String(reason) }));
  const given = isObject(value) ? (value.count ?? value.total ?? value.skipped) : undefined;
  const pictures = isObject(value) ? picturesIn(value.pictures) : [];
  return { count: typeof given === "number" ? given : listed.length, listed, pictures };
}

/** Kinds of pictures in words. */
const KINDS = { transparent: "transparent", plain: "of one colour" } as const;

function picturesIn(value: unknown): PicturesOf[] {
  if (!isObject(value)) return [];
  return Object.entries(KINDS).flatMap(([key, kind]) => {
    const { count, ids } = isObject(value[key]) ? value[key] : {};
    if (typeof count !== "number" || !(count > 0)) return [];
    return [{ kind, count, ids: Array.isArray(ids) ? ids.map(String) : [] }];
  });
}
