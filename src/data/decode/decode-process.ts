/** @file A process that decodes images one after the other, and ends itself where one takes too long. */

import { LIMITS } from "../../formats/budget.ts";
import { type Whole, type WholeOptions, readWhole } from "./whole.ts";

/** An image to decode. */
export interface DecodeTask extends WholeOptions {
  readonly file: Uint8Array;
}

/** What became of it. Pixels follow on standard output; after saying that one takes too long, the process ends. */
export type DecodeAnswer =
  | (Pick<Whole, "channels"> & Pick<Whole["pixels"], "shape">)
  | { readonly reason: string }
  | { readonly late: number };

/** How often the time is looked at, in milliseconds. */
const EVERY = 50;

const say = (answer: DecodeAnswer, then?: () => void): void => {
  process.send!(answer, undefined, undefined, then);
};
/** At once, whatever threads of decoders are at work: an exit would wait for them. */
const end = (): void => void process.kill(process.pid, "SIGKILL");
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

process.on("disconnect", end);
process.on("message", (task: DecodeTask) => void decode(task));

async function decode({ file, ...options }: DecodeTask): Promise<void> {
  await import("sharp"); // not counted
  const began = cpuSeconds();
  let limit: number = LIMITS.decodeCpu.base;
  const watch = setInterval(() => {
    if (cpuSeconds() - began <= limit) return;
    clearInterval(watch);
    say({ late: limit }, end);
  }, EVERY);
  try {
    const { pixels, channels } = await readWhole(file, options, (height, width) => {
      limit += LIMITS.decodeCpu.perMegapixel * ((height * width) / 1e6);
    });
    say({ shape: pixels.shape, channels });
    process.stdout.write(pixels.data);
  } catch (error) {
    say({ reason: error instanceof Error ? error.message : String(error) });
  } finally {
    clearInterval(watch);
  }
}
