import fc from "fast-check";
import { expect, test } from "vitest";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { jit } from "../engines/engine.ts";
import type { DeviceArray } from "../engines/engine.ts";
import { OcelliError } from "../errors.ts";
import { type Tensor, trace } from "../graph/index.ts";
import type { Tree } from "../tree.ts";
import type { DeviceFeatures } from "./operation.ts";
import { describeOperations, namedBlack, parsePreprocessing } from "./pipeline.ts";
import { seededRandom } from "../random.ts";

const random = seededRandom("test");
const grey = { shape: [2, 2, 1], dtype: "uint8" as const, data: Uint8Array.of(0, 51, 102, 255) };

test("a text in canonical form parses to itself", () => {
  const { text } = parsePreprocessing(" resize( 28 ) |grayscale|value_range(-1, 1)");
  expect(text).toBe("resize(28)|grayscale|value_range(-1,1)");
  expect(parsePreprocessing(text).text).toBe(text);
  expect(parsePreprocessing("").text).toBe("");
});

test("host operations run in order on the example, device operations on the batch", async () => {
  const { onHost, onDevice } = parsePreprocessing("resize((1, 2))|value_range(-1, 1)");
  const { image } = onHost({ image: grey }, random);
  expect(image.shape).toEqual([1, 2, 1]);
  const normalise = jit(createInterpreter(), (batch) => onDevice(batch as never));
  const batch = { image: { ...grey, shape: [1, 2, 2, 1] } };
  const result = (await normalise(batch)) as { image: DeviceArray };
  const { data } = await result.image.read();
  expect([...data].map((value) => Math.round(Number(value) * 1e6) / 1e6)).toEqual([
    -1, -0.6, -0.2, 1,
  ]);
});

test("random operations depend on their stream alone", () => {
  const { onHost } = parsePreprocessing("random_shift(1)");
  const run = (id: string) => onHost({ image: grey }, seededRandom(0, 1, id)).image.data;
  expect(run("a")).toEqual(run("a"));
  const different = new Set(Array.from({ length: 50 }, (_, i) => String(run(`id ${i}`))));
  expect(different.size).toBe(9);
});

test("operations at the end that know the device run there, all others on the host", () => {
  const { onHost, onDevice } = parsePreprocessing(
    'value_range(0, 1)|flip_lr|vgg_value_range(0, 1)|onehot(3, key="label")|keep("image", "label")',
  );
  const label = { shape: [], dtype: "int32" as const, data: Int32Array.of(1) };
  const id = { shape: [], dtype: "int32" as const, data: Int32Array.of(7) };
  const example = onHost({ image: grey, label, id }, random);
  expect(Object.keys(example)).toEqual(["image", "label", "id"]);
  expect([...example.image.data].sort()).toEqual([0, 0.2, 0.4, 1].map(Math.fround));
  const { program } = trace((batch: DeviceFeatures) => onDevice(batch) as Tree<Tensor>, {
    image: { shape: [2, 2, 2, 1], dtype: "float32" },
    label: { shape: [2], dtype: "int32" },
    id: { shape: [2], dtype: "int32" },
    mask: { shape: [2], dtype: "float32" },
  });
  expect(program.outputs.map(({ shape }) => shape)).toEqual([[2, 2, 2, 1], [2, 3], [2]]);
});

test("host and device give the same values", async () => {
  const text =
    'value_range(-1, 1, [0, 1, 2], [9, 8, 7])|onehot(4, on=0.9, off=0.1)|copy("image", "again")';
  const image = {
    shape: [1, 2, 3],
    dtype: "uint8" as const,
    data: Uint8Array.of(0, 9, 99, 200, 255, 1),
  };
  const labels = { shape: [2], dtype: "int32" as const, data: Int32Array.of(1, -1) };
  const late = parsePreprocessing(text);
  const early = parsePreprocessing(`${text}|grayscale(outkey=grey)`);
  const host = early.onHost({ image, labels }, random);
  const batch = {
    image: { ...image, shape: [1, ...image.shape] },
    labels: { ...labels, shape: [1, 2] },
  };
  const run = jit(
    createInterpreter(),
    (given: DeviceFeatures) => late.onDevice(given) as Tree<Tensor>,
  );
  const device = (await run(batch)) as Record<string, DeviceArray>;
  for (const name of ["image", "labels", "again"]) {
    expect((await device[name].read()).data).toEqual(host[name].data);
  }
});

test.each([
  ["resise(28)", 'unknown preprocessing operation "resise"; valid: resize,'],
  ["resize", "resize(size, method, antialias) needs size, a whole number from 1 to 4096 or a pair"],
  [
    "resize(x)",
    'size takes a whole number from 1 to 4096 or a pair (height,width) of no more pixels, not "x"',
  ],
  ["resize(1,2)", "method takes one of bilinear, area, bicubic, lanczos3, nearest, pil_box"],
  ["resize(1,area,true,4)", "takes 3 arguments, not 4"],
  [
    "resize(2.5)",
    "size takes a whole number from 1 to 4096 or a pair (height,width) of no more pixels, not 2.5",
  ],
  [
    "resize(28, antialas=true)",
    'unknown argument of resize(size, method, antialias) "antialas"; valid: antialias,',
  ],
  ["resize(28, size=2)", "size is given twice"],
  [
    "resize(28)||grayscale",
    'expected an operation such as resize(28) at character 12, not "|grayscale"',
  ],
  ["resize(28", 'expected "," or ")" at character 10, not the end'],
  ["resize(28) flip_lr", 'expected "|" and another operation at character 11, not "flip_lr"'],
  ["resize((((((2))))))", "expected a value"],
  ["resize(1e999)", "1e999 is too large"],
  ["value_range(0,1,3,3)", "in_min and in_max are equal"],
  ["inception_crop(8, 50, 20)", "area_min 50 is above area_max 20"],
  ["flip_lr(key=a, outkey=b)", "key stands for both inkey and outkey"],
  ["keep()", "keep(keys, …) needs keys, a name"],
])("%s is refused", (text, message) => {
  expect(() => parsePreprocessing(text)).toThrow(message);
});

test.each([
  [
    "resize(size=(4, 5,), method='area', antialias=True)",
    'resize(size=(4,5),method="area",antialias=true)',
  ],
  ["value_range(-1,1,[0],[1.5e2])", "value_range(-1,1,[0],[150])"],
  ["inception_crop(None)|keep(image, 'label')", 'inception_crop(null)|keep("image","label")'],
])("%s is written %s", (given, written) => {
  expect(parsePreprocessing(given).text).toBe(written);
  expect(parsePreprocessing(written).text).toBe(written);
});

test("any text either parses or is a configuration error", () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom("resize", "(", ")", "28", "|", ",", "grayscale"),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      try {
        parsePreprocessing(pieces.join(""));
      } catch (error) {
        expect(error).toBeInstanceOf(OcelliError);
        expect((error as OcelliError).code).toBe("config");
      }
    }),
  );
});

test("integers are uniform and in range", () => {
  const counts = [0, 0, 0, 0, 0];
  for (let i = 0; i < 5000; i++) counts[seededRandom(7, 0, String(i)).integer(-2, 3) + 2]++;
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150); // 5 standard deviations
});

test("a text that decodes names the background of transparent images", () => {
  const of = (text: string) => {
    const { text: canonical, alpha } = parsePreprocessing(text);
    expect(parsePreprocessing(canonical)).toMatchObject({ text: canonical, alpha });
    return [canonical, alpha];
  };
  expect(of("decode|flip_lr")).toEqual(['decode(background="white")|flip_lr', [255, 255, 255]]);
  expect(of("fast_decode(1)")).toEqual(['fast_decode(1,background="white")', [255, 255, 255]]);
  expect(of("decode(background=black)")).toEqual(['decode(background="black")', [0, 0, 0]]);
  expect(of("decode(background=[1,2,3])")).toEqual(["decode(background=(1,2,3))", [1, 2, 3]]);
  expect(of("decode(alpha=drop)")).toEqual(['decode(alpha="drop")', "drop"]);
  expect(of("flip_lr")).toEqual(["flip_lr", [0, 0, 0]]);
});

test.each([
  ["decode(background=pink)", "background takes white, black or (red,green,blue) from 0 to 255"],
  ["decode(background=(1,2))", "background takes white, black or (red,green,blue)"],
  ["decode(background=(1,2,256))", "background takes white, black or (red,green,blue)"],
  ["decode(alpha=keep)", 'alpha takes one of composite, drop, not "keep".'],
  ["decode(alpha=drop,background=white)", "decode: alpha=drop leaves no background to be seen"],
])("%s is refused", (text, message) => {
  expect(() => parsePreprocessing(text)).toThrow(message);
});

test("operations are described with their defaults, but without what is null", () => {
  expect(describeOperations("decode(alpha=drop)|resize(8,antialias=true)|central_crop")).toEqual([
    { name: "decode", arguments: { channels: 3, precise: false, alpha: "drop" } },
    { name: "resize", arguments: { size: [8, 8], method: "bilinear", antialias: true } },
    { name: "central_crop", arguments: {} },
  ]);
});

test("a stored text that names no background gets the black one of before", () => {
  expect(namedBlack("decode|resize(28)")).toBe('decode(background="black")|resize(28)');
  expect(namedBlack("decode(alpha=drop)")).toBe('decode(alpha="drop")');
  expect(namedBlack("resize(28)")).toBe("resize(28)");
  expect(namedBlack("decode(")).toBe("decode("); // whoever parses it says what is wrong
});

test("arrays of four channels, and of two, follow the rule as files do", () => {
  const colours = { shape: [1, 2, 4], dtype: "uint8" as const };
  const data = Uint8Array.of(100, 200, 30, 128, 9, 8, 7, 0);
  const run = (text: string, image: object) =>
    [...parsePreprocessing(text).onHost({ image: image as never }, random).image.data].map(Number);
  expect(run("decode", { ...colours, data })).toEqual([177, 227, 142, 255, 255, 255]);
  expect(run("decode(alpha=drop)", { ...colours, data })).toEqual([100, 200, 30, 9, 8, 7]);
  const grey = { shape: [1, 2, 2], dtype: "uint8", data: Uint8Array.of(10, 128, 9, 255) };
  expect(run("decode(background=black)", grey)).toEqual([5, 5, 5, 9, 9, 9]);
  const fractions = { ...colours, dtype: "float32", shape: [1, 1, 4] };
  const half = Float32Array.of(0.25, 0.5, 1, 0.5);
  expect(run("decode", { ...fractions, data: half })).toEqual([0.625, 0.75, 1]);
});
