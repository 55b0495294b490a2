import { expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type Tensor, reshape, tensor, toNumbers } from "../graph/index.ts";
import { toFlat } from "../tree.ts";
import { apply, batchNorm } from "./index.ts";

const engine = createInterpreter();
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));

const expectNear = (got: readonly number[], want: readonly number[]): void => {
  expect(got).toHaveLength(want.length);
  got.forEach((value, i) => expect(value).toBeCloseTo(want[i], 5));
};

// torch.nn.BatchNorm2d(2, eps=1e-3, momentum=0.1) of PyTorch 2.15 on four pixels of two features
const pixels = reshape(tensor([1, 2, 3, 5, -1, 0.5, 2, 2]), [1, 2, 2, 2]);
const params = { scale: tensor([1.5, -0.5]), bias: tensor([0.25, 1]) };
const normalise = (train: boolean, variables: { mean: Tensor; var: Tensor }, frozen = false) =>
  apply(
    (scope, x: Tensor) => batchNorm(scope, x, { epsilon: 1e-3, frozen }),
    { params, variables, train },
    pixels,
  );

test("batch normalisation is PyTorch's, in training and after it", async () => {
  const first = normalise(true, { mean: tensor([0, 0]), var: tensor([1, 1]) });
  expectNear(
    await read(first.result),
    [-0.0034883, 1.1146864, 2.0244184, 0.1971951, -2.031395, 1.573432, 1.010465, 1.1146864],
  );
  const state = toFlat<Tensor>(first.variables);
  expectNear(await read(state["mean"]), [0.125, 0.2375]);
  expectNear(await read(state["var"]), [1.1916666, 1.25625]);
  const after = normalise(false, { mean: state["mean"], var: state["var"] });
  expectNear(
    await read(after.result),
    [1.4518209, 0.2140619, 4.1988401, -1.1237049, -1.2951983, 0.8829454, 2.8253305, 0.2140619],
  );
  expect(toFlat<Tensor>(after.variables)["mean"]).toBe(state["mean"]);
});

test("frozen statistics stay in training, and normalise it", async () => {
  const variables = { mean: tensor([0.125, 0.2375]), var: tensor([1.1916666, 1.25625]) };
  const judged = normalise(false, variables);
  const trained = normalise(true, variables, true);
  expect(await read(trained.result)).toEqual(await read(judged.result));
  const after = toFlat<Tensor>(trained.variables);
  expect([after["mean"], after["var"]]).toEqual([variables.mean, variables.var]);
});
