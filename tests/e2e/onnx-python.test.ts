import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createInterpreter } from "../../src/engines/interpreter/index.ts";
import { readNpz, writeNpz } from "../../src/formats/npz.ts";
import { encodeModel } from "../../src/formats/onnx-encode.ts";
import { type HostArray, type Tensor, toNumbers } from "../../src/graph/index.ts";
import { IMAGE, MODEL_ROWS, noise, randomised } from "../../src/models/contract-fixtures.ts";
import { compileNamed } from "../../src/parity/compute.ts";
import { fromFlat } from "../../src/tree.ts";
import { exportModel } from "./exported-model.ts";

const ROOT = join(import.meta.dirname, "../..");
const PYTHON = join(process.env.OCELLI_PEERS ?? join(ROOT, ".venv"), "bin/python");
const hasRuntime =
  existsSync(PYTHON) && spawnSync(PYTHON, ["-c", "import onnxruntime, numpy"]).status === 0;

/** Runs every model of a folder at two batch sizes, its initialisers alone deciding what it computes. */
const SCRIPT = `
import pathlib, sys
import numpy as np
import onnxruntime
folder = pathlib.Path(sys.argv[1])
image = np.load(folder / "image.npz")["image"]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
results = {}
for file in sorted(folder.glob("*.onnx")):
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    for count in (len(image), 1):
        (results[f"{file.stem}/{count}"],) = session.run(["logits"], {"image": image[:count]})
np.savez(folder / "results.npz", **results)
`;

const cases = MODEL_ROWS.filter(({ fields }) => !fields).flatMap(({ name, options, scans }) => [
  { name, options },
  ...(scans ? [{ name, options: { ...options, scan: true } }] : []),
]);
const image = noise("image", IMAGE);
const [count, ...rest] = IMAGE.shape;

/** A model as ONNX for any batch size, and its logits by the interpreter. */
async function exported(choice: (typeof cases)[number]) {
  const { onnx, params, variables, forward } = exportModel(choice, rest, randomised);
  const run = compileNamed(createInterpreter(), (given, state, { pixels }) => {
    const weights = { params: fromFlat<Tensor>(given), variables: fromFlat<Tensor>(state) };
    return { logits: forward(pixels, weights) };
  });
  const { logits } = await run(params, variables, { pixels: image });
  return { bytes: encodeModel(onnx).model, logits: toNumbers(logits) };
}

let folder: string;
let results: Readonly<Record<string, HostArray>>;
const expected: number[][] = [];
const stem = (index: number): string => `model-${String(index).padStart(2, "0")}`;

beforeAll(async () => {
  if (!hasRuntime) return;
  folder = await mkdtemp(join(tmpdir(), "ocelli-onnx-"));
  await writeFile(join(folder, "image.npz"), writeNpz({ image }));
  for (const [i, row] of cases.entries()) {
    const { bytes, logits } = await exported(row);
    await writeFile(join(folder, `${stem(i)}.onnx`), bytes);
    expected.push(logits);
  }
  execFileSync(PYTHON, ["-c", SCRIPT, folder]);
  results = readNpz(await readFile(join(folder, "results.npz")));
});
afterAll(() => folder && rm(folder, { recursive: true }));

test.skipIf(!hasRuntime).each(cases.map((row, index) => ({ ...row, index })))(
  "$name $options computes the same in Python's onnxruntime, at two batch sizes",
  ({ index }) => {
    const logits = expected[index];
    const largest = Math.max(...logits.map(Math.abs));
    for (const batch of [count, 1]) {
      const got = results[`${stem(index)}/${batch}`];
      const want = logits.slice(0, (batch * logits.length) / count);
      expect(got.shape).toEqual([batch, want.length / batch]);
      const errors = toNumbers(got).map((value, i) => Math.abs(value - want[i]) / largest);
      expect(Math.max(...errors)).toBeLessThan(1e-5);
    }
  },
);
