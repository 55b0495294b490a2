/** @file Exported models over any engine: what a file's metadata say is how it is used, in Node and in a browser alike. */

import { type Engine, jit } from "../../engines/engine.ts";
import type { OnnxProgram } from "../../engines/ort/onnx-program.ts";
import { OcelliError } from "../../errors.ts";
import { type Tensor, transpose } from "../../graph/index.ts";
import type { ModelCard } from "../../models/index.ts";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import { cardFromTexts } from "../../weights/model-card.ts";
import { type ModelInterface, readInterface, taskOfFile } from "./interface.ts";
import type { ServedBatch, ServedModel } from "../model.ts";

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
  }: {
    readonly engine: Engine;
    readonly dispose: () => Promise<void>;
    readonly what: string;
  },
): ServedModel {
  const { inputs, outputs } = program;
  if (inputs.length !== 1 || outputs.length !== 1 || inputs[0].shape.length !== 4) {
    throw unusable(what);
  }
  const task = taskOfFile(card, calls.output, what);
  const preprocessing = parsePreprocessing(card.preprocessing);
  const prepare = jit(engine, function prepare(raw: ServedBatch<Tensor>) {
    const { image } = preprocessing.onDevice(raw); // [batch, height, width, channels]
    return calls.layout === "NCHW" ? transpose(image, [0, 3, 1, 2]) : image;
  });
  return {
    card,
    task,
    preprocessing,
    engine,
    compile(look) {
      const after = jit(engine, function served(output: Tensor, raw: ServedBatch<Tensor>) {
        return look({ output, out: {} }, preprocessing.onDevice(raw));
      });
      return async (raw) => {
        const image = await prepare(raw);
        const [output] = await program.run([await image.read()]);
        image.dispose();
        return after(output, raw);
      };
    },
    dispose,
  };
}
