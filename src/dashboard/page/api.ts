/** @file What the page asks of its server. */

import type { Curve } from "../../runs/read-curves.ts";
import type { RunCard, RunView } from "../../runs/read.ts";
import type { NamedMistake } from "../../runs/report/classification/predictions.ts";
import type { MapAnswers } from "../../runs/report/material.ts";

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
