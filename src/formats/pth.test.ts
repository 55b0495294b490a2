import { expect, test } from "vitest";
import { toNumbers } from "../graph/dtype.ts";
import { concatBytes } from "./bytes.ts";
import { readPickle } from "./pickle.ts";
import { openPth } from "./pth.ts";
import { torchFixture } from "./torch-fixtures.ts";

const bytesOf = (...parts: (string | number)[]): Uint8Array =>
  concatBytes(
    parts.map((part) =>
      typeof part === "number" ? Uint8Array.of(part) : new TextEncoder().encode(part),
    ),
  );

test.each(["zip", "legacy"] as const)("%s: every dtype reads as PyTorch wrote it", (name) => {
  const { names, read } = openPth(torchFixture(name));
  const half = [0, 0.5, 1, 1.5, 2, 2.5];
  const found = names.map((key) => [key, read(key).dtype, read(key).shape, toNumbers(read(key))]);
  expect(found).toEqual([
    ["f", "float32", [2, 3], half],
    ["t", "float32", [3, 2], [0, 1.5, 0.5, 2, 1, 2.5]],
    ["h", "float16", [2, 3], half],
    ["b", "bfloat16", [2, 3], half],
    ["i", "int64", [2, 3], [0, 1, 2, 3, 4, 5]],
    ["s", "int32", [], [7]],
    ["u", "bool", [2], [1, 0]],
  ]);
});

test("tensors are found in nested containers, other values passed over", () => {
  const { names, read } = openPth(torchFixture("nested"));
  expect(names).toEqual([
    "state_dict.fc.weight",
    "state_dict.fc.bias",
    "state_dict.bn.weight",
    "state_dict.bn.bias",
    "state_dict.bn.running_mean",
    "state_dict.bn.running_var",
    "state_dict.bn.num_batches_tracked",
    "param",
  ]);
  expect(toNumbers(read("state_dict.fc.weight"))).toEqual([1, 2]);
});

test("views of one storage are read apart", () => {
  const { read } = openPth(torchFixture("shared"));
  expect(toNumbers(read("middle"))).toEqual([2, 3, 4, 5]);
  expect(toNumbers(read("column"))).toEqual([1, 3, 5, 7, 9]);
  expect(() => read("x")).toThrow('there is no tensor "x"');
});

test("a small storage cannot claim a large tensor", () => {
  const { read } = openPth(torchFixture("expanded"));
  expect(() => read("x")).toThrow("is an expanded view of a smaller storage");
});

test("a Python object is refused by its name", () => {
  expect(() => openPth(torchFixture("module"))).toThrow(
    "PyTorch file refers to the Python object torch.nn.modules.linear.Linear, which is not loaded.",
  );
});

test("a call of a foreign function is refused before anything is called", () => {
  const evil = bytesOf(0x80, 2, "cposix\nsystem\nX", 2, 0, 0, 0, "id", 0x85, "R.");
  expect(() => openPth(evil)).toThrow("the Python object posix.system");
  const stacked = bytesOf(0x80, 4, 0x8c, 2, "os", 0x8c, 6, "system", 0x93, ".");
  expect(() => openPth(stacked)).toThrow("the Python object os.system");
});

const plain = (bytes: Uint8Array) => readPickle(bytes, { globals: {} }, "file").value;

test("plain values and containers", () => {
  const value = bytesOf(0x80, 2, "}(X", 1, 0, 0, 0, "a](K", 1, "M", 1, 1, "J", 255, 255, 255, 255);
  expect(plain(concatBytes([value, bytesOf(0x8a, 1, 254, 0x88, "N)eu.")]))).toEqual(
    new Map([["a", [1, 257, -1, -2, true, null, []]]]),
  );
});

test("a pickle of Python's own, protocol 4", () => {
  const globals = { "collections.OrderedDict": () => new Map<unknown, unknown>() };
  const { value, end } = readPickle(torchFixture("pickle4"), { globals }, "file");
  expect(end).toBe(torchFixture("pickle4").length);
  expect(value).toEqual(
    new Map<string, unknown>([
      ["a", [1, [2, 3.5], null, true, 2n ** 70n, -3]],
      [
        "b",
        new Map<string | number, unknown>([
          ["x", "y"],
          [1, Uint8Array.of(122)],
          ["big", 70000],
        ]),
      ],
    ]),
  );
});

test.each([
  ["an opcode of objects", bytesOf(0x80, 2, 0x81, "."), "the pickle opcode 0x81 is not known"],
  ["an old text opcode", bytesOf("I1\n."), "the pickle opcode 0x49 is not known"],
  ["an empty stack", bytesOf(0x80, 2, "."), "its stack runs empty"],
  ["no mark", bytesOf("]e."), "it has no mark"],
  ["no such memo", bytesOf("h", 3, "."), "its memo has no entry 3"],
  ["a long text", bytesOf("X", 255, 255, 255, 255, "a."), "it is truncated"],
  ["a long integer", bytesOf(0x8b, 255, 255, 0, 0), "an integer of 65535 bytes is impossible"],
  ["a list as a key", bytesOf("}]Ns."), "neither text nor number"],
  ["no end", bytesOf("N"), "is truncated or damaged"],
])("%s is an error", (_, bytes, message) => {
  expect(() => plain(bytes)).toThrow(message);
});

test("a container that holds itself, and one that doubles forty times, end in errors", () => {
  const magic = bytesOf(
    0x80,
    2,
    0x8a,
    10,
    0x6c,
    0xfc,
    0x9c,
    0x46,
    0xf9,
    0x20,
    0x6a,
    0xa8,
    0x50,
    0x19,
    ".",
  );
  const start = concatBytes([magic, bytesOf("M", 0xe9, 3, "."), bytesOf("}.")]);
  const itself = concatBytes([start, bytesOf("]q", 0, "h", 0, "a."), bytesOf("].")]);
  expect(() => openPth(itself)).toThrow("it is nested too deeply");
  const doubled = Array.from({ length: 30 }, () => bytesOf("q", 0, "]h", 0, "ah", 0, "a"));
  const many = concatBytes([start, bytesOf("]"), ...doubled, bytesOf(".].")]);
  expect(() => openPth(many)).toThrow("it holds too many values");
});
