/** @file Every row of the contract. */

import { type Case, type Instance, instancesOf } from "../table.ts";
import { binaryCases } from "./binary.ts";
import { compositeCases } from "./composite.ts";
import { controlCases } from "./control.ts";
import { convCases } from "./conv.ts";
import { dotCases } from "./dot.ts";
import { fftCases } from "./fft.ts";
import { gatherCases } from "./gather.ts";
import { linalgCases } from "./linalg.ts";
import { reduceCases } from "./reduce.ts";
import { selectCases } from "./select.ts";
import { shapeCases } from "./shape.ts";
import { trigonometricCases } from "./trigonometric.ts";
import { unaryCases } from "./unary.ts";
import { windowCases } from "./window.ts";

/** The rows by family; each family has its file, and its file of JAX's results. */
export const families: Readonly<Record<string, readonly Case[]>> = {
  unary: unaryCases,
  trigonometric: trigonometricCases,
  binary: binaryCases,
  select: selectCases,
  dot: dotCases,
  conv: convCases,
  window: windowCases,
  reduce: reduceCases,
  shape: shapeCases,
  gather: gatherCases,
  control: controlCases,
  composite: compositeCases,
  linalg: linalgCases,
  fft: fftCases,
};

/** Every row in each of its dtypes. */
export const instances: readonly Instance[] = Object.values(families).flat().flatMap(instancesOf);
