import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createOrtEngine } from "../engines/ort/index.ts";
import { readNpz } from "../formats/npz.ts";
import { type Spec, type Tensor, toNumbers } from "../graph/index.ts";
import { createModel } from "../models/index.ts";
import { apply, modelSpecs } from "../nn/index.ts";
import { compileNamed } from "../parity/compute.ts";
import { fromFlat } from "../tree.ts";
import { fitWeights, loadWeights } from "./index.ts";

const GOLDEN = "tests/golden/weights";
const engine = await createOrtEngine({ threads: 1 });
afterAll(() => engine.dispose());

const folders = (await readdir(GOLDEN, { withFileTypes: true })).filter((it) => it.isDirectory());

// transformers' BiT standardises weights with an epsilon of 1e-6, big_vision with 1e-10
const TOLERANCE: Readonly<Record<string, number>> = { "hf-bit": 1e-4 };

test.each(folders.map(({ name }) => name))(
  "%s: weights saved by another library compute its outputs",
  async (name) => {
    const text = await readFile(join(GOLDEN, name, "case.json"), "utf8");
    const { model: family, options } = JSON.parse(text) as { model: string; options: object };
    const { image, logits } = readNpz(await readFile(join(GOLDEN, name, "io.npz")));
    const file = name === "efficientnet-lite" ? "model.pth" : "model.safetensors";
    const { arrays } = await loadWeights(join(GOLDEN, name, file));
    const model = createModel(family, options as Record<string, unknown>);
    const specs = modelSpecs(model, { shape: image.shape, dtype: "float32" } satisfies Spec);
    const { params, variables, fresh } = fitWeights(name, arrays, specs);
    expect(fresh).toEqual([]);
    const run = compileNamed(engine, (given, state, { pixels }) => ({
      logits: apply(
        model,
        { params: fromFlat<Tensor>(given), variables: fromFlat<Tensor>(state) },
        pixels,
      ).result[0],
    }));
    const got = toNumbers((await run(params, variables, { pixels: image })).logits);
    const want = toNumbers(logits);
    const scale = Math.max(...want.map(Math.abs));
    const error = Math.max(...got.map((value, i) => Math.abs(value - want[i]))) / scale;
    expect(error).toBeLessThan(TOLERANCE[name] ?? 5e-6);
  },
);
