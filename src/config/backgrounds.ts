/** @file Backgrounds of transparent images in configurations: what a run is trained with is written down. */

import { namedBlack, parsePreprocessing } from "../preprocess/pipeline.ts";
import type { Config } from "./config.ts";

const each = (config: Config, write: (text: string) => string): Config => {
  const { train, eval: forEval } = config.preprocess;
  return { ...config, preprocess: { train: write(train), eval: write(forEval) } };
};

/** A configuration whose preprocessing names the background wherever it decodes. */
export const withBackgrounds = (config: Config): Config =>
  each(config, (text) => parsePreprocessing(text).text);

/** A stored configuration; where it names no background it is from a time when that was black. */
export const withBlack = (config: Config): Config => each(config, namedBlack);
