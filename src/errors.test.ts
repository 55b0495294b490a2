import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OcelliError, editDistance, nearestNames, unknownName } from "./errors.ts";

describe("editDistance", () => {
  it.for([
    ["", "abc", 3],
    ["kitten", "sitting", 3],
    ["recieve", "receive", 1],
    ["AdamW", "adamw", 0],
    ["ca", "abc", 3],
  ] as const)("from %s to %s is %d", ([a, b, distance]) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  it("is symmetric, and zero for the same name alone", () => {
    const name = fc.string({ maxLength: 6 });
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a.toLowerCase() === b.toLowerCase());
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

describe("nearestNames", () => {
  it("puts the nearest first, and ties in order", () => {
    expect(nearestNames("larning_rate", ["momentum", "learning_rate", "weight_decay"])[0]).toBe(
      "learning_rate",
    );
    expect(nearestNames("x", ["b", "a"])).toEqual(["a", "b"]);
  });

  it("counts a name that contains what was given as near", () => {
    expect(nearestNames("vit", ["gpt", "vit-s16"])[0]).toBe("vit-s16");
  });
});

describe("OcelliError", () => {
  it("puts its hint behind the message, and keeps the details", () => {
    const cause = new Error("below");
    const error = new OcelliError("data", "no file a.idx.", { given: 1, hint: "Run it.", cause });
    expect(error).toMatchObject({
      name: "OcelliError",
      code: "data",
      message: "no file a.idx. Run it.",
      given: 1,
      cause,
    });
  });

  it("lists eight valid names at most, the nearest first", () => {
    const names = Array.from({ length: 12 }, (_, i) => `name${i}`);
    const error = unknownName("model", "name7", names);
    expect(error.message).toMatch(/^unknown model "name7"; valid: name7, .*, …\.$/);
    expect(error.valid).toHaveLength(12);
    expect(unknownName("model", "x", []).message).toBe('unknown model "x"; valid: none.');
  });
});
