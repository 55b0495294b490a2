/** @file Images decoded in another process, which can be ended where a decoder hangs, and may crash alone. */

import { type ChildProcess, fork } from "node:child_process";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { LIMITS } from "../../formats/budget.ts";
import { makeImage } from "../../preprocess/image.ts";
import { createGate } from "../time-limit.ts";
import type { DecodeAnswer, DecodeTask } from "./decode-process.ts";
import type { Whole, WholeOptions } from "./whole.ts";

/** An image whose decoding was ended; another attempt would be no better. */
export class Ended extends Error {}

/** A process that decodes, and who waits for its answer. */
interface Decoder {
  readonly process: ChildProcess;
  waiting?: PromiseWithResolvers<Whole>;
}

let decoder: Decoder | undefined;
const oneByOne = createGate();

/**
 * {@link readWhole} in another process, which starts with this thread's first such image and ends with the thread.
 *
 * @throws {@link Ended} where it takes too long or the decoder crashes; a plain error that says why a file is refused
 */
export const readApart = (file: Uint8Array, options: WholeOptions): Promise<Whole> =>
  oneByOne(() => ask((decoder ??= start()), { file, ...options }));

function start(): Decoder {
  // the same file has another extension in the built package
  const entry = import.meta.url.endsWith(".ts") ? "./decode-process.ts" : "./decode-process.js";
  const process = fork(new URL(entry, import.meta.url), {
    serialization: "advanced",
    execArgv: [],
    stdio: ["ignore", "pipe", "ignore", "ipc"],
  });
  const started: Decoder = { process };
  process.on("message", (answer: DecodeAnswer) => {
    if ("reason" in answer) started.waiting?.reject(new Error(answer.reason));
    else if ("late" in answer) {
      end(started, `it takes longer than ${answer.late.toFixed(1)} seconds of processor time`);
    } else {
      const { shape, channels } = answer;
      readBytes(process.stdout!, shape[0] * shape[1] * shape[2]).then(
        (data) => started.waiting?.resolve({ pixels: makeImage(shape, data), channels }),
        () => undefined, // the process has ended, which says why
      );
    }
  });
  process.on("error", (error) => end(started, `no process can decode it: ${error.message}`));
  process.on("exit", (code, signal) => end(started, `its decoder crashed (${signal ?? code})`));
  return started;
}

/** So many bytes of a stream that goes on. */
async function readBytes(stream: Readable, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const piece of stream.iterator({ destroyOnReturn: false })) {
    bytes.set(piece as Buffer, at);
    at += (piece as Buffer).length;
    if (at === length) return bytes;
  }
  throw new Error("the stream has ended");
}

function end(one: Decoder, why: string): void {
  if (decoder === one) decoder = undefined;
  one.process.kill("SIGKILL"); // at once, whatever its threads do
  one.waiting?.reject(new Ended(why));
}

async function ask(one: Decoder, task: DecodeTask): Promise<Whole> {
  const { process } = one;
  const waiting = (one.waiting = Promise.withResolvers<Whole>());
  const seconds = LIMITS.decodeSeconds;
  const late = (): void => end(one, `it takes longer than ${seconds} seconds`);
  const timer = setTimeout(late, 1000 * seconds);
  hold(process, true);
  process.send(task, (error) => error && end(one, `no process can decode it: ${error.message}`));
  try {
    return await waiting.promise;
  } finally {
    clearTimeout(timer);
    one.waiting = undefined;
    hold(process, false);
  }
}

/** Whether a process keeps the program alive; an idle one does not. */
function hold(process: ChildProcess, isBusy: boolean): void {
  for (const one of [process, process.channel, process.stdout as Socket | null]) {
    if (isBusy) one?.ref();
    else one?.unref();
  }
}
