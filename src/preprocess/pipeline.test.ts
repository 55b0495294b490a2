import fc from "fast-check";
import { expect, test } from "vitest";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { jit } from "../engines/engine.ts";
import type { DeviceArray } from "../engines/engine.ts";
import { OcelliError } from "../errors.ts";
import { parsePreprocessing } from "./pipeline.ts";
import { seededRandom } from "./random.ts";

const random = seededRandom("test");
const grey = { shape: [2, 2, 1], dtype: "uint8" as const, data: Uint8Array.of(0, 51, 102, 255) };

test("a text in canonical form parses to itself", () => {
  const { text } = parsePreprocessing(" resize( 28 ) |grayscale|value_range(-1, 1)");
  expect(text).toBe("resize(28)|grayscale|value_range(-1,1)");
  expect(parsePreprocessing(text).text).toBe(text);
  expect(parsePreprocessing("").text).toBe("");
});

test("host operations run in order on the example, device operations on the batch", async () => {
  const { onHost, onDevice } = parsePreprocessing("resize(1, 2)|value_range(-1, 1)");
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

test.each([
  ["resise(28)", 'unknown preprocessing operation "resise"; valid: resize,'],
  ["resize", "resize(height, width) needs height"],
  ["resize(x)", 'height is not a number: "x"'],
  ["resize(1,2,3)", "takes 2 arguments, not 3"],
  ["resize(2.5)", "height is a whole number above 0, not 2.5"],
  ["resize(28)||grayscale", '"" is not an operation'],
  ["resize(28", '"resize(28" is not an operation'],
  ["value_range(0,1,3,3)", "in_min and in_max are equal"],
  [
    "value_range(-1,1)|grayscale",
    "grayscale works on single examples and cannot come after value_range(-1,1)",
  ],
])("%s is refused", (text, message) => {
  expect(() => parsePreprocessing(text)).toThrow(message);
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
