/** @file What the page asks of its server. */

import type { Curve } from "../../runs/read-curves.ts";
import type { RunCard, RunView } from "../../runs/read.ts";
import type { NamedMistake } from "../../runs/report/classification/predictions.ts";
import type { MapAnswers } from "../../runs/report/material.ts";
import type { Look } from "../pictures/look.ts";
import type { Form } from "../trainings/form.ts";
import type { Training } from "../trainings/launcher.ts";

/** Pictures of a run. */
export interface Pictures {
  readonly mistakes: readonly NamedMistake[];
  /** Where the run's answers are maps. */
  readonly answers?: MapAnswers;
  readonly augmented: readonly string[];
}

async function get<T>(path: string): Promise<T> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return (await response.json()) as T;
}

/** The runs; without them where they are as they were at `since`. */
export const getRuns = (since: number) =>
  get<{ dir: string; version: number; runs?: RunCard[] }>(`/api/runs?since=${since}`);

/** The names of the runs that a query means, or what is wrong with it. */
export const searchRuns = (query: string) =>
  get<{ names: string[]; mistake?: string }>(`/api/search?q=${encodeURIComponent(query)}`);

/** A run with all that it measured and was made with. */
export const getRun = (run: string) => get<RunView>(`/api/run?run=${encodeURIComponent(run)}`);

export const getCurves = (run: string, since: number) =>
  get<{ position: number; curves?: Record<string, Curve>; omitted?: number }>(
    `/api/curves?run=${encodeURIComponent(run)}&since=${since}`,
  );

export const getPictures = (run: string) =>
  get<Pictures>(`/api/pictures?run=${encodeURIComponent(run)}`);

export const pictureUrl = (run: string, file: string) =>
  `/api/picture?run=${encodeURIComponent(run)}&file=${encodeURIComponent(file)}`;

export const reportUrl = (run: string) => `/report?run=${encodeURIComponent(run)}`;

/** A page of pictures of a run's data. */
export interface DataPage {
  readonly data: string;
  readonly splits: readonly string[];
  readonly split: string;
  readonly names: readonly string[];
  /** How many examples each name has, where that is known. */
  readonly counts?: readonly number[];
  readonly total: number;
  readonly from: number;
  readonly items: readonly {
    readonly index: number;
    readonly id: string;
    readonly label?: string;
  }[];
}

/** Where a picture of a run's data comes from. */
export interface Explained {
  readonly label: string;
  readonly probability: number;
  readonly ranked: readonly { readonly name: string; readonly score: number }[];
  readonly original: string;
  readonly map: string;
  /** The map's colours, as a gradient. */
  readonly scale: string;
}

/** What a training is started with. */
export interface StartForm {
  readonly recipe: string;
  readonly name: string;
  readonly data: string;
  readonly engine: string;
  readonly values: Readonly<Record<string, string>>;
}

/** An answer, or an error with the line that the server says. */
async function ask<T>(path: string, given?: object): Promise<T> {
  const token = document.querySelector<HTMLMetaElement>('meta[name="ocelli-token"]')?.content ?? "";
  const headers = { "Content-Type": "application/json", "X-Ocelli-Token": token };
  const request = given && { method: "POST", headers, body: JSON.stringify(given) };
  const response = await fetch(path, request);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}

const queryOf = (values: Readonly<Record<string, string | number | undefined>>): string => {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
};

export const getData = (run: string, split?: string, label?: number, from?: number) =>
  ask<DataPage>(`/api/data?${queryOf({ run, split, label, from })}`);

export const dataPictureUrl = (
  run: string,
  split: string,
  index: number,
  size: "small" | "large" = "small",
) => `/api/data/picture?${queryOf({ run, split, index, size })}`;

export const lookAtSplit = (run: string, split: string) => ask<Look>("/api/look", { run, split });

export const explainPicture = (given: {
  readonly run: string;
  readonly split: string;
  readonly index: number;
  readonly method: string;
  readonly label?: string;
}) => ask<Explained>("/api/explain", given);

export const getForm = () => ask<Form>("/api/form");
export const getTrainings = () => ask<{ trainings: Training[] }>("/api/trainings");
export const startTraining = (form: StartForm) => ask<object>("/api/start", form);
export const stopTraining = (run: string) => ask<object>("/api/stop", { run });
