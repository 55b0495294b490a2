import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { copyPart, parseMesh, placeSharding, shardShape, shardStart } from "./mesh.ts";

describe("meshes", () => {
  it("are written as axes and sizes", () => {
    expect(parseMesh("data=4, model=2")).toEqual({ data: 4, model: 2 });
    expect(() => parseMesh("data=0")).toThrow('the mesh "data=0": "data=0" is no axis');
    expect(() => parseMesh("data=2,data=2")).toThrow("the axis data comes twice");
  });

  it("refuse shardings that do not fit", () => {
    const place = (shape: number[], sharding: (string | string[] | null)[]) => () =>
      placeSharding({ a: 2, b: 3 }, shape, sharding, "x:");
    expect(place([6, 4], [["a", "b"]])()).toEqual([["a", "b"], []]);
    expect(place([4], ["b"])).toThrow("4 does not divide into 3 parts");
    expect(place([6, 6], ["a", "a"])).toThrow("the mesh axis a is used twice");
    expect(place([6], [null, "a"])).toThrow("2 axes are named");
  });

  it("put an array together from its parts", () => {
    const axes = fc.constantFrom([], ["a"], ["b"], ["a", "b"], ["b", "a"]);
    fc.assert(
      fc.property(
        axes,
        fc.nat(2),
        fc.constantFrom<number[]>([6, 12, 6], [12, 6], [6]),
        (names, at, shape) => {
          const mesh = { a: 2, b: 3 };
          const axis = at % shape.length;
          const sharding = shape.map((_, i) => (i === axis ? names : null));
          const placement = placeSharding(mesh, shape, sharding, "x:");
          const size = shape.reduce((a, b) => a * b);
          const whole = { shape, data: Float32Array.from({ length: size }, (_, i) => i + 1) };
          const copy = { shape, data: new Float32Array(size) };
          for (let device = 0; device < 6; device++) {
            const part = shardShape(mesh, shape, placement);
            const data = new Float32Array(part.reduce((a, b) => a * b));
            const start = shardStart(mesh, shape, placement, device);
            copyPart("cut", whole, start, { shape: part, data });
            copyPart("paste", copy, start, { shape: part, data });
          }
          expect(copy.data).toEqual(whole.data);
        },
      ),
    );
  });
});
