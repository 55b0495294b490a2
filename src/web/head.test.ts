/** @file The head's training program against the linear probe of `ocelli transfer`. */

import { expect, test } from "vitest";
import { type DeviceArray, jit } from "../engines/engine.ts";
import { lowerProgram } from "../engines/ort/lower/program.ts";
import { createOrtEngine } from "../engines/ort/index.ts";
import { hostArray, toNumbers, trace } from "../graph/index.ts";
import { simplify } from "../graph/simplify.ts";
import { seededRandom } from "../random.ts";
import { fitSoftmax } from "../transfer/classification/heads.ts";
import { qualityOf } from "../transfer/classification/quality.ts";
import { HEAD_STEPS, makeTeach } from "./head.ts";

const WIDTH = 40;
const CLASSES = 3;

/** Noisy features around a centre for each class; rows beyond `count` are garbage that the mask hides. */
function examples(count: number, rows: number) {
  const random = seededRandom("head");
  const labels = Array.from({ length: rows }, (_, i) => i % CLASSES);
  const data = Float32Array.from({ length: rows * WIDTH }, (_, i) => {
    const label = labels[Math.floor(i / WIDTH)];
    const centre = i % WIDTH === label ? 3 : 1;
    return i < count * WIDTH ? centre + random.integer(-100, 100) / 50 : 1e3;
  });
  return { data, labels };
}

test("300 steps are as good as the linear probe's solver, and padding does not count", async () => {
  const [count, rows] = [21, 32];
  const { data, labels } = examples(count, rows);
  const engine = await createOrtEngine();
  const teach = jit(engine, makeTeach(CLASSES));
  const result = (await teach(
    hostArray([rows, WIDTH], "float32", data),
    hostArray([rows], "int32", Int32Array.from(labels)),
    hostArray([rows], "float32", new Float32Array(rows).fill(1, 0, count)),
  )) as unknown as Record<"kernel" | "bias" | "losses", DeviceArray>;
  const [kernel, bias, losses] = await Promise.all(
    [result.kernel, result.bias, result.losses].map((array) => array.read()),
  );
  const known = {
    features: hostArray([count, WIDTH], "float32", data.slice(0, count * WIDTH)),
    labels: labels.slice(0, count),
  };
  const [probe] = await fitSoftmax(engine, known, CLASSES, [1]);
  await engine.dispose();
  const [ours, theirs] = [qualityOf(known, { kernel, bias }), qualityOf(known, probe.head)];
  const curve = toNumbers(losses);
  expect(curve).toHaveLength(HEAD_STEPS);
  expect(curve[0]).toBeCloseTo(Math.log(CLASSES), 5);
  expect(ours.accuracy).toBe(1);
  expect(ours.predicted).toEqual(theirs.predicted);
  expect(Math.abs(ours.loss - theirs.loss)).toBeLessThan(1e-4);
});

test("the program holds one step, not 300, so that it opens at once", () => {
  const { program } = trace(
    makeTeach(CLASSES),
    { shape: [32, WIDTH], dtype: "float32" },
    { shape: [32], dtype: "int32" },
    { shape: [32], dtype: "float32" },
  );
  const { nodes } = lowerProgram(simplify(program)).graph;
  expect(nodes.filter(({ opType }) => opType === "Scan")).toHaveLength(1);
  expect(nodes.length).toBeLessThan(HEAD_STEPS);
});
