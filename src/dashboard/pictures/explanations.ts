/** @file Explanations for the page: one model is held open, the one that was asked last. */

import { decodeImage } from "../../data/decode/decode.ts";
import { isEncoded } from "../../data/stream/examples.ts";
import type { ExplainMethod } from "../../evaluate/explain-methods.ts";
import { type Explainer, type Explanation, openExplainer } from "../../explain/explain.ts";
import type { Source } from "../../data/source.ts";

/** A model that nobody asks is given up after this long, in milliseconds. */
const IDLE = 60_000;

/** Which picture is to be explained, and how. */
export interface Wanted {
  readonly source: Source;
  readonly index: number;
  readonly method: ExplainMethod;
  /** Grad-CAM's class; default: the surest. */
  readonly label?: string;
}

/** Explains pictures of runs; it owns a model until it is disposed. */
export class Explanations {
  #open: { readonly key: string; readonly explainer: Promise<Explainer> } | undefined;
  #idle: NodeJS.Timeout | undefined;

  async explain(folder: string, { source, index, method, label }: Wanted): Promise<Explanation> {
    clearTimeout(this.#idle);
    const key = `${method}\0${folder}`;
    if (this.#open?.key !== key) {
      await this.dispose();
      this.#open = { key, explainer: openExplainer(folder, { method }) };
    }
    try {
      const explainer = await this.#open!.explainer.catch((error: unknown) => {
        this.#open = undefined;
        throw error;
      });
      const { image } = await source.read(index);
      const { alpha } = explainer;
      const encoded = isEncoded({ image });
      const decoded = encoded
        ? await decodeImage(image.data as Uint8Array, { name: source.id(index), alpha })
        : image;
      return await explainer.explain(decoded, label);
    } finally {
      this.#idle = setTimeout(() => void this.dispose(), IDLE).unref();
    }
  }

  async dispose(): Promise<void> {
    clearTimeout(this.#idle);
    const open = this.#open;
    this.#open = undefined;
    await (await open?.explainer.catch(() => undefined))?.dispose();
  }
}
