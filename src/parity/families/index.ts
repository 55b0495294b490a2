/** @file The families that cases may be of: a new one is a file here and a line below. */

import type { JsonObject } from "../case.ts";
import type { Family } from "../family.ts";
import { bitPaper } from "./bit-paper.ts";
import { bit } from "./bit.ts";
import { cappa } from "./cappa.ts";
import { contrastive } from "./contrastive.ts";
import { evaluators } from "./evaluators.ts";
import { flexi } from "./flexi.ts";
import { hfVitMae } from "./hf-vit-mae.ts";
import { hfBeit, hfDeit, hfDinov2, hfVit } from "./hf-vision.ts";
import { hfClip, hfSiglip, hfSiglip2 } from "./hf-image-text.ts";
import { losses } from "./losses.ts";
import { metrics } from "./metrics.ts";
import { mlpMixer } from "./mlp-mixer.ts";
import { naflexVit } from "./naflex-vit.ts";
import { optim } from "./optim.ts";
import { posembResize } from "./posemb-resize.ts";
import { preprocessing } from "./preprocessing.ts";
import { textTransformer } from "./text-transformer.ts";
import { tokenizer } from "./tokenizer.ts";
import { twoTowers } from "./two-towers.ts";
import { vit } from "./vit.ts";

const FAMILIES: readonly Family[] = [
  vit,
  flexi,
  mlpMixer,
  bit,
  bitPaper,
  posembResize,
  losses,
  optim,
  preprocessing,
  evaluators,
  tokenizer,
  metrics,
  hfVit,
  hfDeit,
  hfBeit,
  hfDinov2,
  hfVitMae,
  textTransformer,
  twoTowers,
  naflexVit,
  cappa,
  contrastive,
  hfSiglip,
  hfSiglip2,
  hfClip,
];

/** The family of a case, by its name or by the model it records; undefined where it is not known yet. */
export function familyOf({ family, model }: JsonObject): Family | undefined {
  return (
    FAMILIES.find(({ name }) => name === family) ??
    (family === undefined
      ? FAMILIES.find((candidate) => candidate.model.test(String(model)))
      : undefined)
  );
}
