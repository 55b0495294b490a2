/** @file A model in a web worker: the page stays responsive while it computes. */

import { type Answer, loadClassifier } from "ocelli/web";

/** What the page asks. */
export interface Ask {
  readonly id: number;
  readonly file: Blob;
}

/** What the worker answers. */
export type Told =
  | { readonly ready: string }
  | { readonly id: number; readonly answer: Answer }
  | { readonly id?: number; readonly error: string };

const tell = (told: Told): void => postMessage(told);
const told = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const model = loadClassifier("/model/");

onmessage = async ({ data }: MessageEvent<Ask>): Promise<void> => {
  try {
    const { predict } = await model;
    tell({ id: data.id, answer: await predict(data.file) });
  } catch (error) {
    tell({ id: data.id, error: told(error) });
  }
};

model.then(
  ({ engine }) => tell({ ready: engine }),
  (error: unknown) => tell({ error: told(error) }),
);
