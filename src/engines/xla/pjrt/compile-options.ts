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

/** How a program is spread over devices. */
export interface Partitioning {
  /** The devices' numbers, in the order of the mesh. */
  readonly devices: readonly number[];
}

/** One replica on one device, or partitioned by Shardy over several; compiler options by name. */
export function encodeCompileOptions(
  options: Readonly<Record<string, CompilerOption>> = {},
  { devices = [] }: Partial<Partitioning> = {},
): Uint8Array {
  const build = [...int(4, 1), ...int(5, Math.max(devices.length, 1))]; // replicas, partitions
  if (devices.length > 0) {
    const columns = devices.flatMap((id) => bytes(3, int(1, id)));
    const assignment = [...int(1, 1), ...int(2, devices.length), ...columns];
    build.push(...int(6, 1), ...bytes(9, assignment), ...int(19, 1)); // SPMD, devices, Shardy
  }
  const overrides = Object.entries(options).flatMap(([name, value]) =>
    bytes(7, [...text(1, name), ...bytes(2, override(value))]),
  );
  return Uint8Array.from([...bytes(3, build), ...overrides]);
}
