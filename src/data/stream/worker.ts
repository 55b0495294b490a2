/** @file A worker thread that makes examples ready. */

import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import { addDefinition, definitionsIn } from "../../define.ts";
import { OcelliError, type ErrorCode } from "../../errors.ts";
import type { HostArray } from "../../graph/dtype.ts";
import type { Example } from "../../preprocess/example.ts";
import type { OperationDefinition } from "../../preprocess/operation.ts";
import { OPERATIONS } from "../../preprocess/operations.ts";
import { type Preprocessing, parsePreprocessing } from "../../preprocess/pipeline.ts";
import type { PictureKind } from "../decode/decode.ts";
import { type RawExample, prepareExample } from "./examples.ts";

/** An example to make ready. */
export interface Task extends RawExample {
  readonly task: number;
  /** The preprocessing's text. */
  readonly text: string;
}

/** What a worker is started with. */
export interface WorkerData {
  /** Files of operations that a user defined. */
  readonly files: readonly string[];
}

/** What became of it. An error travels as its parts. */
export type Answer = { readonly task: number } & (
  | { readonly features: Example; readonly kind?: PictureKind }
  | {
      readonly error: { readonly message: string; readonly code?: ErrorCode };
      readonly isProblem: boolean;
    }
);

const port = parentPort!;
const parsed = new Map<string, Preprocessing>();
let sharpIsSet: Promise<void> | undefined;
let operations: Promise<void> | undefined;

port.on("message", (task: Task) => void answer(task));

async function answer({ task, text, ...example }: Task): Promise<void> {
  try {
    await (sharpIsSet ??= useOneThread());
    await (operations ??= loadOperations(workerData as WorkerData));
    let preprocessing = parsed.get(text);
    if (!preprocessing) parsed.set(text, (preprocessing = parsePreprocessing(text)));
    const prepared = await prepareExample(example, preprocessing);
    if ("problem" in prepared) say({ task, error: partsOf(prepared.problem), isProblem: true });
    else {
      const features = Object.fromEntries(
        Object.entries(prepared.features).map(([name, array]) => [name, owned(array)]),
      );
      const buffers = Object.values(features).map(({ data }) => data.buffer as ArrayBuffer);
      say({ task, features, kind: prepared.kind }, [...new Set(buffers)]);
    }
  } catch (error) {
    say({ task, error: partsOf(error), isProblem: false });
  }
}

const say = (answer: Answer, transfer: ArrayBuffer[] = []): void =>
  port.postMessage(answer, transfer);

/** The array with a buffer of its own, which can be handed over. */
function owned(array: HostArray): HostArray {
  const { data } = array;
  const whole = data.byteOffset === 0 && data.byteLength === data.buffer.byteLength;
  return whole ? array : { ...array, data: data.slice() };
}

function partsOf(error: unknown): { message: string; code?: ErrorCode } {
  if (error instanceof OcelliError) return { message: error.message, code: error.code };
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** Every worker is one thread of the CPU budget; the library inside shall start no others. */
async function useOneThread(): Promise<void> {
  const { default: sharp } = await import("sharp");
  sharp.concurrency(1);
  sharp.cache(false);
}

async function loadOperations({ files }: WorkerData): Promise<void> {
  for (const file of files) {
    for (const definition of definitionsIn((await import(pathToFileURL(file).href)) as object)) {
      if (definition.kind !== "operation") continue;
      addDefinition("preprocessing operation", OPERATIONS, definition as OperationDefinition);
    }
  }
}
