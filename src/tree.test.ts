import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Tree, flatten, fromFlat, leafNames, mapTree, toFlat, unflatten } from "./tree.ts";

const key = fc.string({ minLength: 1, maxLength: 4 }).filter((name) => !name.includes("/"));

/** Trees of numbers; objects and arrays may be empty. */
const anyTree: fc.Arbitrary<Tree<number>> = fc.letrec<{ tree: Tree<number> }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.integer(),
    fc.dictionary(key, tie("tree"), { maxKeys: 4, noNullPrototype: true }),
    fc.array(tie("tree"), { maxLength: 3 }),
  ),
})).tree;

/** Records whose names nest without one being another's prefix. */
const anyFlat = fc
  .dictionary(
    fc.array(key, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")),
    fc.integer(),
  )
  .filter((flat) => {
    const names = Object.keys(flat);
    return !names.some((a) => names.some((b) => b.startsWith(`${a}/`)));
  });

describe("flatten", () => {
  it("is undone by unflatten", () => {
    fc.assert(
      fc.property(anyTree, (tree) => {
        const { leaves, structure } = flatten<number>(tree);
        expect(unflatten(structure, leaves)).toEqual(tree);
      }),
    );
  });

  it("walks objects in sorted order, however they were built", () => {
    const { leaves, structure } = flatten<number>({ b: 1, a: [2, { d: 3, c: 4 }] });
    expect(leaves).toEqual([2, 4, 3, 1]);
    expect(leafNames(structure)).toEqual(["a/0", "a/1/c", "a/1/d", "b"]);
  });

  it("takes things with a dtype, and instances of classes, for leaves", () => {
    const array = { dtype: "float32", shape: [2] };
    const date = new Date(0);
    expect(flatten<object>({ a: array, b: [date] }).leaves).toEqual([array, date]);
    expect(flatten(7)).toEqual({ leaves: [7], structure: { kind: "leaf" } });
  });
});

describe("unflatten", () => {
  it("refuses another number of leaves", () => {
    const { structure } = flatten<number>([1, 2]);
    expect(() => unflatten(structure, [1])).toThrow("2 leaves was given 1");
    expect(() => unflatten(structure, [1, 2, 3])).toThrow("2 leaves was given 3");
  });
});

describe("mapTree", () => {
  it("maps leaves by name and keeps the structure", () => {
    const names = mapTree<number, string>({ a: [1, 2], b: {} }, (leaf, name) => `${name}=${leaf}`);
    expect(names).toEqual({ a: ["a/0=1", "a/1=2"], b: {} });
  });
});

describe("fromFlat", () => {
  it("is undone by toFlat", () => {
    fc.assert(
      fc.property(anyFlat, (flat) => {
        expect(toFlat(fromFlat(flat))).toEqual(flat);
      }),
    );
  });

  it("nests at slashes, also below awkward names", () => {
    expect(fromFlat({ "a/b": 1, "a/c": 2, d: 3 })).toEqual({ a: { b: 1, c: 2 }, d: 3 });
    const awkward = fromFlat({ "__proto__/constructor": 1 });
    expect(Object.keys(awkward)).toEqual(["__proto__"]);
    expect(toFlat(awkward)).toEqual(Object.fromEntries([["__proto__/constructor", 1]]));
  });

  it("refuses a name that is another's prefix, in either order", () => {
    expect(() => fromFlat({ a: 1, "a/b": 2 })).toThrow('cannot nest below a leaf named "a"');
    expect(() => fromFlat({ "a/b": 2, a: 1 })).toThrow('"a" is both a leaf and a prefix');
  });
});
