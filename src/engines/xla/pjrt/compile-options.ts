/** @file XLA's CompileOptionsProto, as much of it as is used. */

/** A compiler option: `xla_…` by name. */
export type CompilerOption = boolean | number | string;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;

function varint(value: number): number[] {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}

const tag = (field: number, wire: number): number[] => varint((field << 3) | wire);
const int = (field: number, value: number): number[] => [...tag(field, VARINT), ...varint(value)];
const bytes = (field: number, content: Iterable<number>): number[] => {
  const list = [...content];
  return [...tag(field, BYTES), ...varint(list.length), ...list];
};
const text = (field: number, value: string): number[] => bytes(field, Buffer.from(value));

/** OptionOverrideProto: a string, a bool, an int or a double. */
function override(value: CompilerOption): number[] {
  if (typeof value === "string") return text(1, value);
  if (typeof value === "boolean") return int(2, Number(value));
  if (Number.isInteger(value)) return int(3, value);
  const double = Buffer.alloc(8);
  double.writeDoubleLE(value);
  return [...tag(4, FIXED64), ...double];
}

/** One replica on one device, with compiler options by name. */
export function encodeCompileOptions(
  options: Readonly<Record<string, CompilerOption>> = {},
): Uint8Array {
  const build = [...int(4, 1), ...int(5, 1)]; // replicas, partitions
  const overrides = Object.entries(options).flatMap(([name, value]) =>
    bytes(7, [...text(1, name), ...bytes(2, override(value))]),
  );
  return Uint8Array.from([...bytes(3, build), ...overrides]);
}
