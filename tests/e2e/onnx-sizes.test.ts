import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { jit } from "../../src/engines/engine.ts";
import { createOrtEngine } from "../../src/engines/index.ts";
import { onnxProgram } from "../../src/engines/ort/onnx-program.ts";
import { createWebRuntime } from "../../src/engines/ort/runtime/web.ts";
import { readNpz, writeNpz } from "../../src/formats/npz.ts";
import { encodeModel } from "../../src/formats/onnx-encode.ts";
import {
  type HostArray,
  type Spec,
  type Tensor,
  hostArray,
  toNumbers,
} from "../../src/graph/index.ts";
import { CLASSES, MODEL_ROWS, type Named, noise } from "../../src/models/contract-fixtures.ts";
import { MODELS } from "../../src/models/index.ts";
import { type Tree, fromFlat, toFlat } from "../../src/tree.ts";
import { type ModelChoice, exportModel } from "./exported-model.ts";

const isLong = process.env.OCELLI_LONG === "1";
const SIZES = [32, 64, 96, 224];
const BATCHES = [1, 3, 17, 64];

const numClasses = CLASSES;
/** The largest error beside the largest logit; 1e-5 unless a row says otherwise. */
interface PublishedModel extends ModelChoice {
  readonly error?: number;
}

/**
 * Every registered model as it is published, but for the head. On these weights BiT's fifty normalised layers magnify what
 * is rounded: at 32 px the ort and xla engines and the export lie 5e-5 to 8e-5 from the interpreter, each on its own side.
 */
const PUBLISHED: readonly PublishedModel[] = [
  { name: "vit", options: { variant: "Ti/16", numClasses } },
  { name: "beit", options: { variant: "Ti/16", numClasses } },
  { name: "flexivit", options: { variant: "Ti", numClasses } },
  { name: "mlp-mixer", options: { variant: "S/16", numClasses } },
  { name: "bit", options: { variant: "R50x1", numClasses }, error: 2e-4 },
  { name: "bit-paper", options: { variant: "R50x1", numClasses }, error: 5e-5 },
  { name: "efficientnet-lite0", options: { numClasses } },
  { name: "efficientnet-lite1", options: { numClasses } },
  { name: "efficientnet-lite2", options: { numClasses } },
  { name: "resnet", options: { depth: 50, numClasses } },
  { name: "convnext", options: { variant: "T", numClasses } },
  {
    name: "segmenter",
    options: { backbone: { name: "resnet", depth: 26 }, decoder: [32], numClasses },
  },
];

/** Leaves by name; a kernel's are as large as keeps its sums so. */
const filled = (specs: Tree<Spec>): Named =>
  Object.fromEntries(
    Object.entries(toFlat<Spec>(specs)).map(([name, spec]) => {
      const array = noise(name, spec);
      if (!name.endsWith("kernel")) return [name, array];
      const inputs = spec.shape.slice(0, -1).reduce((n, extent) => n * extent, 1);
      const factor = 6 / Math.sqrt(inputs);
      const data = (array.data as Float32Array).map((x) => x * factor);
      return [name, hostArray(spec.shape, "float32", data)];
    }),
  );
const empty = (specs: Tree<Spec>): Named =>
  Object.fromEntries(
    Object.entries(toFlat<Spec>(specs)).map(([name, { shape }]) => [
      name,
      hostArray(shape, "float32", new Float32Array(shape.reduce((n, extent) => n * extent, 1))),
    ]),
  );

const title = ({ name, options }: ModelChoice): string => `${name} ${JSON.stringify(options)}`;

describe("published models export for any batch", () => {
  it("is asked of every registered model of images", () => {
    expect(new Set(PUBLISHED.map(({ name }) => name))).toEqual(
      new Set(MODELS.filter(({ fields }) => !fields).map(({ name }) => name)),
    );
  });

  it.each(PUBLISHED.map((choice) => [title(choice), choice] as const))(
    "%s: one graph at each size, whatever the batch was while it was lowered",
    (_title, choice) => {
      for (const size of isLong ? SIZES : SIZES.slice(0, 2)) {
        const { graph } = exportModel(choice, [size, size, 3], empty).onnx;
        expect(graph.inputs[0].shape).toEqual(["batch", size, size, 3]);
        const places = choice.name === "segmenter" ? [size, size] : [];
        expect(graph.outputs[0].shape).toEqual(["batch", ...places, CLASSES]);
        if (!isLong && size !== SIZES[0]) continue;
        const other = exportModel(choice, [size, size, 3], empty, [1009, 1013]).onnx.graph;
        expect(JSON.stringify(other.nodes) === JSON.stringify(graph.nodes)).toBe(true);
      }
    },
  );
});

const ROOT = join(import.meta.dirname, "../..");
const PYTHON = join(process.env.OCELLI_PEERS ?? join(ROOT, ".venv"), "bin/python");
const hasPython =
  existsSync(PYTHON) && spawnSync(PYTHON, ["-c", "import onnxruntime, numpy"]).status === 0;
const SCRIPT = `
import pathlib, sys
import numpy as np
import onnxruntime
folder = pathlib.Path(sys.argv[1])
image = np.load(folder / "image.npz")["image"]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 2
session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
results = {}
for count in map(int, sys.argv[2:]):
    (results[str(count)],) = session.run(["logits"], {"image": image[:count]})
np.savez(folder / "results.npz", **results)
`;

/** The largest difference beside the largest number. */
function errorOf(got: HostArray, want: HostArray): number {
  expect(got.shape).toEqual(want.shape);
  const [a, b] = [toNumbers(got), toNumbers(want)];
  const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0) / largest;
}

const first = (image: HostArray, count: number): HostArray => {
  const [, ...rest] = image.shape;
  const length = rest.reduce((n, extent) => n * extent, count);
  return hostArray([count, ...rest], "float32", (image.data as Float32Array).slice(0, length));
};

const openWeb = async () => createWebRuntime(await import("onnxruntime-web"), { threads: 1 });

const tiny = MODEL_ROWS.filter(({ fields }) => !fields).map(
  ({ name, options }): PublishedModel => ({ name, options }),
);

describe.runIf(isLong)("exports at every size and batch", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ocelli-onnx-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const rows = [...tiny, ...PUBLISHED].flatMap((choice) => SIZES.map((size) => ({ choice, size })));
  it.each(rows.map((row) => [title(row.choice), row.size, row] as const))(
    "%s computes the same at %i px in onnxruntime-web and in Python",
    { timeout: 900_000 },
    async (_title, size, { choice }) => {
      const { onnx, params, variables, forward } = exportModel(choice, [size, size, 3], filled);
      const { graph } = onnx;
      expect(new Set(graph.nodes.map(({ name }) => name)).size).toBe(graph.nodes.length);
      const image = noise("image", { shape: [BATCHES.at(-1)!, size, size, 3], dtype: "float32" });
      const weights = { params: fromFlat(params), variables: fromFlat(variables) };
      // opened for each model, so that the memory of one is free for the next
      const engine = await createOrtEngine({ threads: 2 });
      onTestFinished(() => engine.dispose());
      await using web = await openWeb();
      const reference = jit(engine, (x: Tensor, w: typeof weights) => forward(x, w as never));
      const bytes = encodeModel(onnx).model;
      const program = await onnxProgram(web, bytes);
      if (hasPython) {
        await writeFile(join(folder, "model.onnx"), bytes);
        await writeFile(join(folder, "image.npz"), writeNpz({ image }));
        execFileSync(PYTHON, ["-c", SCRIPT, folder, ...BATCHES.map(String)]);
      }
      const python = hasPython ? readNpz(await readFile(join(folder, "results.npz"))) : {};
      const { error = 1e-5 } = choice;
      for (const batch of BATCHES) {
        const x = first(image, batch);
        const want = await (await reference(x, weights as never)).read();
        const logits = toNumbers(want);
        // far from zero, and not the same for every image
        expect(Math.max(...logits.map(Math.abs))).toBeGreaterThan(0.1);
        if (batch > 1) expect(Math.abs(logits[0] - logits[CLASSES])).toBeGreaterThan(1e-4);
        const [got] = await program.run([x]);
        expect(errorOf(got, want)).toBeLessThan(error);
        if (hasPython) expect(errorOf(python[batch], want)).toBeLessThan(error);
      }
    },
  );
});
