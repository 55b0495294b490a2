/** @file Objectives that learn features without labels (SupCon with them). */

import { byolObjective } from "./byol.ts";
import { barlowTwinsObjective, vicRegObjective } from "./decorrelation.ts";
import { dinoObjective, ibotObjective } from "./dino.ts";
import { exemplarObjective } from "./exemplar.ts";
import { jigsawObjective, relativePatchObjective } from "./jigsaw.ts";
import { maeObjective } from "./mae.ts";
import { mocoObjective } from "./moco.ts";
import { msnObjective } from "./msn.ts";
import { simclrObjective } from "./simclr.ts";
import { simmimObjective } from "./simmim.ts";
import { simsiamObjective } from "./simsiam.ts";
import { supconObjective } from "./supcon.ts";
import { swavObjective } from "./swav.ts";

/** The objectives of self-supervision. */
export const SELF_SUPERVISED = [
  simclrObjective,
  mocoObjective,
  byolObjective,
  simsiamObjective,
  swavObjective,
  barlowTwinsObjective,
  vicRegObjective,
  dinoObjective,
  ibotObjective,
  msnObjective,
  maeObjective,
  simmimObjective,
  supconObjective,
  exemplarObjective,
  relativePatchObjective,
  jigsawObjective,
] as const;
