import { expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type Spec, type Tensor, full, randomKey, sub, toNumbers } from "../graph/index.ts";
import { apply, initialise } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { mlpMixer } from "./index.ts";

const engine = createInterpreter();
const image: Spec = { shape: [8, 8, 8, 3], dtype: "float32" };
const tiny = {
  patchSize: [4, 4],
  numBlocks: 2,
  hiddenDim: 8,
  tokensMlpDim: 6,
  channelsMlpDim: 10,
} as const;

test("stochastic depth spares the first block and drops whole branches of the last", async () => {
  const model = mlpMixer({ ...tiny, stochDepth: 0.5 });
  const { params } = initialise(model, randomKey(0), image);
  const call = (train: boolean) => {
    const options = { params, train, key: randomKey(1) };
    return toFlat<Tensor>(apply(model, options, full(image.shape, 0.5)).result[1]);
  };
  const [plain, dropped] = [call(false), call(true)];
  const difference = async (name: string) =>
    toNumbers(await evaluate(engine, sub(plain[name], dropped[name])));
  expect(new Set(await difference("block_0"))).toEqual(new Set([0]));
  const last = await difference("block_1"); // [8, 4, 8]
  const changed = (example: number) =>
    last.slice(example * 32, (example + 1) * 32).some((value) => value !== 0);
  const examples = [0, 1, 2, 3, 4, 5, 6, 7].map(changed);
  expect(new Set(examples)).toEqual(new Set([true, false]));
});

test("without classes the model ends with its representation", () => {
  const { params } = initialise(mlpMixer(tiny), randomKey(0), image);
  const [output, out] = apply(mlpMixer(tiny), { params }, full(image.shape, 0.5)).result;
  expect(output).toBe(toFlat<Tensor>(out).pre_logits);
  expect(output.shape).toEqual([8, 8]);
});

test.each([
  ["B", 'the Mixer variant "B" must be SIZE/PATCH'],
  ["B/0", 'the Mixer variant "B/0" must be SIZE/PATCH'],
  ["b/16", 'unknown Mixer variant "b"; valid: B,'],
])("the variant %s is an error", (variant, message) => {
  expect(() => mlpMixer({ variant })).toThrow(message);
});
