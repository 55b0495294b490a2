/** @file What a model took for what, and the mistakes that it was surest of. */

import type { Source } from "../data/source.ts";
import { calibrationError } from "../evaluate/index.ts";
import type { AlphaRule } from "../preprocess/alpha.ts";
import type { SeenBatch } from "./pass.ts";
import { thumbnail } from "./pictures.ts";

/** How many mistakes are kept. */
const MISTAKES = 24;
/** With more classes a confusion matrix is not worth its size. */
const MAX_CLASSES = 1000;

/** A wrong prediction; classes by index. */
interface Mistake {
  readonly index: number;
  readonly label: number;
  readonly predicted: number;
  readonly probability: number;
}

/** Gathers the predictions of one evaluation, batch by batch, in little memory. */
export class Predictions {
  /** How many examples with one label are in the confusion. */
  count = 0;
  private readonly classes: readonly string[];
  private readonly source: Source | undefined;
  private readonly alpha: AlphaRule;
  private readonly confusion: number[][];
  private readonly probability: number[] = [];
  private readonly correct: number[] = [];
  private mistakes: Mistake[] = [];

  /** @param alpha what becomes of transparent parts in the pictures, as the model saw them */
  constructor(classes: readonly string[], source: Source | undefined, alpha: AlphaRule) {
    const { length } = classes;
    this.classes = classes;
    this.source = source;
    this.alpha = alpha;
    this.confusion =
      length > MAX_CLASSES ? [] : Array.from({ length }, () => new Array<number>(length).fill(0));
  }

  /** Takes in a batch; examples with several labels do not count. */
  see({ indices, label, predicted, probability }: SeenBatch): void {
    if (label.shape.length !== 1) return;
    for (const [row, index] of indices.entries()) {
      if (index < 0) continue;
      const mistake = {
        index,
        label: Number(label.data[row]),
        predicted: Number(predicted.data[row]),
        probability: Number(probability.data[row]),
      };
      this.probability.push(mistake.probability);
      this.correct.push(mistake.label === mistake.predicted ? 1 : 0);
      if (this.confusion.length === 0) continue;
      this.count++;
      this.confusion[mistake.label][mistake.predicted]++;
      if (mistake.label !== mistake.predicted) this.mistakes.push(mistake);
    }
    this.mistakes.sort((a, b) => b.probability - a.probability || a.index - b.index);
    this.mistakes.length = Math.min(this.mistakes.length, MISTAKES);
  }

  /** The expected calibration error of the predictions; undefined where none was seen. */
  get ece(): number | undefined {
    return this.correct.length === 0 ? undefined : calibrationError(this.probability, this.correct);
  }

  /** The classes, how often each was taken for each, and the most confident mistakes with pictures. */
  async summary() {
    const pictured = this.mistakes.map(async ({ index, ...rest }) => {
      const { image } = await this.source!.read(index);
      return { id: this.source!.id(index), ...rest, thumbnail: await thumbnail(image, this.alpha) };
    });
    const mistakes = await Promise.all(pictured);
    return { classes: this.classes, confusion: this.confusion, mistakes };
  }
}
