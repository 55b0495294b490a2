/** @file Exported models over any engine: what a file's metadata say is how it is used, in Node and in a browser alike. */

import { type Engine, jit } from "../../engines/engine.ts";
import type { OnnxProgram } from "../../engines/ort/onnx-program.ts";
import { OcelliError } from "../../errors.ts";
import { type Tensor, transpose } from "../../graph/index.ts";
import type { ModelCard } from "../../models/index.ts";
import type { Batch } from "../../objectives/index.ts";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import { cardFromTexts } from "../../weights/model-card.ts";
import { IMAGE, type ModelInterface, inputOf, readInterface, taskOfFile } from "./interface.ts";
import type { Tokenizer } from "../../text/index.ts";
import type { ServedBatch, ServedModel } from "../model.ts";
import { servedTexts } from "../texts.ts";

/** What an exported file says of itself. */
export interface ExportedCard {
  readonly card: ModelCard;
  readonly calls: ModelInterface;
}

const unusable = (path: string): OcelliError =>
  new OcelliError("format", `${path} does not say how to use it.`, {
    hint: "Give an ONNX file that ocelli export wrote: it holds preprocessing and class names.",
  });

/**
 * What the metadata of an ONNX model say.
 *
 * @param what names the file in errors
 * @throws a format error where they do not say how to use it
 */
export function readExported(
  metadata: Readonly<Record<string, string>>,
  what: string,
): ExportedCard {
  const card = cardFromTexts(metadata, what);
  if (!card) throw unusable(what);
  return { card, calls: readInterface(metadata, card, what) };
}

const takesOther = (
  what: string,
  { input }: ModelInterface,
  given: readonly string[],
): OcelliError =>
  new OcelliError("argument", `${what} takes ${input}, and is given ${given.join(" and ")}.`, {
    ...{ given, valid: [input] },
    hint: "It is one tower of two; give the other one.",
  });

/**
 * An exported model on an engine. `dispose` gives up the program and the engine.
 *
 * @param what names the file in errors
 */
export function exportedModel(
  { card, calls }: ExportedCard,
  program: OnnxProgram,
  {
    engine,
    dispose,
    what,
    tokenizer,
  }: {
    readonly engine: Engine;
    readonly dispose: () => Promise<void>;
    readonly what: string;
    /** Of a tower of texts, what they are read by. */
    readonly tokenizer?: Tokenizer;
  },
): ServedModel {
  const { inputs, outputs } = program;
  const task = taskOfFile(card, calls.output, what);
  const rank = inputOf(task, card, calls).shape.length + 1;
  if (inputs.length !== 1 || outputs.length !== 1 || inputs[0].shape.length !== rank) {
    throw unusable(what);
  }
  const preprocessing = parsePreprocessing(card.preprocessing);
  const onDevice = (raw: ServedBatch<Tensor>): Batch =>
    calls.input === IMAGE ? preprocessing.onDevice(raw) : raw;
  const prepare = jit(engine, function prepare(raw: ServedBatch<Tensor>) {
    const input = onDevice(raw)[calls.input]; // of images [batch, height, width, channels]
    return calls.layout === "NCHW" ? transpose(input, [0, 3, 1, 2]) : input;
  });
  const model: ServedModel = {
    card,
    task,
    preprocessing,
    ...(tokenizer && { tokenizer }),
    engine,
    compile(look) {
      const after = jit(engine, function served(output: Tensor, raw: ServedBatch<Tensor>) {
        return look({ output, out: {} }, onDevice(raw));
      });
      return async (raw) => {
        if (!Object.hasOwn(raw, calls.input)) throw takesOther(what, calls, Object.keys(raw));
        const input = await prepare(raw);
        const [output] = await program.run([await input.read()]);
        input.dispose();
        return after(output, raw);
      };
    },
    dispose,
  };
  return { ...model, texts: servedTexts(what, model, tokenizer) };
}
