import { expect, test } from "vitest";
import { OcelliError } from "../errors.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";

const command: Command = {
  name: "predict",
  summary: "",
  operands: "RUN IMAGE…",
  arity: [2, Infinity],
  flags: {
    "top-k": { type: "integer", help: "" },
    engine: { type: "text", help: "" },
    fast: { type: "switch", help: "" },
  },
  examples: [],
  run: () => Promise.resolve({}),
};
const open: Command = { ...command, arity: [1, 1], takesOverrides: true };

test("operands, switches, texts and integers in any order", () => {
  const call = parseArguments(command, ["run", "--top-k", "3", "a.png", "--engine=ort", "--fast"]);
  expect(call.operands).toEqual(["run", "a.png"]);
  expect(call.integers.get("top-k")).toBe(3);
  expect(call.texts.get("engine")).toBe("ort");
  expect([...call.switches]).toEqual(["fast"]);
});

test("what follows -- is an operand", () => {
  expect(parseArguments(command, ["run", "--", "--odd.png"]).operands).toEqual([
    "run",
    "--odd.png",
  ]);
});

test("further flags are overrides where a command takes them; negative numbers are values", () => {
  const { overrides } = parseArguments(open, ["quickstart", "--lr", "-1", "--model.width=96"]);
  expect(overrides).toEqual([
    ["lr", "-1"],
    ["model.width", "96"],
  ]);
});

test("help needs no operands", () => {
  expect(parseArguments(command, ["-h"]).switches.has("help")).toBe(true);
});

test.each([
  [["run", "a.png", "--topk", "3"], 'unknown option "--topk"; valid: --top-k,'],
  [["run", "a.png", "--top-k", "x"], '--top-k must be a whole number above 0, not "x".'],
  [["run", "a.png", "--top-k", "0"], '--top-k must be a whole number above 0, not "0".'],
  [["run", "a.png", "--top-k"], "--top-k needs a value."],
  [["run", "a.png", "--engine", "--fast"], "--engine needs a value."],
  [["run", "a.png", "--fast=yes"], "--fast takes no value."],
  [["run", "a.png", "--fast", "--fast"], "--fast is given twice."],
  [["run", "a.png", "-k", "3"], '"-k" is no option; options begin with two dashes.'],
  [["run"], "ocelli predict: it needs RUN IMAGE…. See ocelli predict --help."],
])("%j is refused", (args, message) => {
  const run = () => parseArguments(command, args);
  expect(run).toThrow(OcelliError);
  expect(run).toThrow(message);
});

test("too many operands are refused", () => {
  expect(() => parseArguments(open, ["a", "b"])).toThrow('"b" is too much; it takes RUN IMAGE…');
});
