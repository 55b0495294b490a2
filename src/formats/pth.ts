/**
 * @file PyTorch's files (`torch.save`), the zip form of today and the older one of several pickles in a row: their
 * tensors by name. Nothing in the file is run; a Python object other than tensors and plain containers is an error.
 * @see https://docs.pytorch.org/docs/stable/notes/serialization.html
 */

import { OcelliError } from "../errors.ts";
import { type DType, type HostArray, type Shape, sizeOf, stridesOf } from "../graph/dtype.ts";
import { hostArray, typedArray } from "../graph/dtype.ts";
import { Budget, checkName, unpackLimit } from "./budget.ts";
import type { ByteRanges, StoredType } from "./bytes.ts";
import { arrayFromBytes, checkedSize, decodeUtf8, formatError, guard } from "./bytes.ts";
import { rangeOf, readUint64, storedSize, viewOf } from "./bytes.ts";
import { type PickleOptions, globalName, readPickle } from "./pickle.ts";
import { type ZipMember, readZip } from "./zip.ts";

/** A PyTorch file whose tensors are read one at a time. */
export interface PthFile {
  /** The tensors' names: the keys on the way to each, joined by ".", in the file's order. */
  readonly names: readonly string[];
  /** One tensor, row-major; a view of the file where it is stored so and aligned. */
  readonly read: (name: string) => HostArray;
}

const WHAT = "PyTorch file";
/** The number that the older form begins with, and the version of that form. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_VERSION = 1001;
/** State dictionaries are flat or nearly so; a container that holds itself is found by its depth. */
const MAX_DEPTH = 32;
/** Containers that share their parts could hold far more values than the file has bytes. */
const MAX_VALUES = 1 << 20;
/** The older form's pickles come first; they name the storages and hold none of them. */
const MAX_PICKLES = 1 << 26;

const STORAGES: Readonly<Record<string, StoredType>> = {
  DoubleStorage: "float64",
  FloatStorage: "float32",
  HalfStorage: "float16",
  BFloat16Storage: "bfloat16",
  LongStorage: "int64",
  IntStorage: "int32",
  ShortStorage: "int16",
  CharStorage: "int8",
  ByteStorage: "uint8",
  BoolStorage: "bool",
};

/** More axes only occur in damaged files. */
const MAX_RANK = 64;

/** A tensor's memory; its content is found once the file's storages are. */
interface Storage {
  readonly key: string;
  readonly type: StoredType;
  readonly count: number;
  /** How many tensors are views of it. */
  tensors: number;
  content?: { readonly size: number; readonly read: () => Uint8Array };
  /** What was read, where several tensors share it. */
  held?: Uint8Array;
}

/** A view of a storage. */
class StoredTensor {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: Shape;
  readonly strides: Shape;

  constructor(storage: Storage, offset: number, shape: Shape, strides: Shape) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** The tensors of a PyTorch file, yet unread. */
export function openPth(bytes: ByteRanges): PthFile {
  return guard(WHAT, () => {
    const [first, second] = rangeOf(bytes, 0, 2, WHAT);
    const isZip = first === 0x50 && second === 0x4b;
    const tensors = new Map<string, StoredTensor>();
    flatten(isZip ? readZipped(bytes) : readLegacy(bytes), tensors);
    const budget = new Budget(WHAT, { bytes: unpackLimit(bytes.length) });
    for (const [name, { storage, shape }] of tensors) {
      storage.tensors++;
      budget.takeBytes(checkedSize(shape, nameOf(name)) * storedSize(storage.type));
    }
    return {
      names: [...tensors.keys()],
      read(name) {
        const tensor = tensors.get(name);
        if (!tensor) throw new OcelliError("name", `${WHAT}: there is no tensor "${name}".`);
        return guard(WHAT, () => materialise(tensor, nameOf(name)));
      },
    };
  });
}

const nameOf = (name: string): string => `${WHAT}, tensor "${name}"`;

/** What a pickle of tensors may name. `storages` gathers what it refers to, by key. */
function pickleOptions(storages: Map<string, Storage>): PickleOptions {
  const rebuild = ([storage, offset, shape, strides]: readonly unknown[]): StoredTensor => {
    if (!isStorage(storage) || !isCount(offset) || !isCounts(shape) || !isCounts(strides)) {
      throw formatError(`${WHAT}: a tensor's description is damaged.`);
    }
    return new StoredTensor(storage, offset, shape, strides);
  };
  const types = Object.keys(STORAGES).map((name) => [`torch.${name}`, null] as const);
  return {
    globals: {
      ...Object.fromEntries(types),
      "collections.OrderedDict": () => new Map<unknown, unknown>(),
      "torch._utils._rebuild_tensor": rebuild,
      "torch._utils._rebuild_tensor_v2": rebuild,
      "torch._utils._rebuild_parameter": ([tensor]) => tensor,
      "torch.Size": ([extents]) => extents,
    },
    persistent(id) {
      const [kind, type, key, , count, view] = Array.isArray(id) ? (id as unknown[]) : [];
      const stored = STORAGES[globalName(type)?.replace("torch.", "") ?? ""];
      if (kind !== "storage" || !stored || typeof key !== "string" || !isCount(count)) {
        throw formatError(`${WHAT}: a storage's description is damaged.`);
      }
      if (view !== undefined && view !== null) {
        throw new OcelliError("unsupported", `${WHAT}: views of storages are not supported.`, {
          hint: "Load and save it again with a recent PyTorch.",
        });
      }
      const known = storages.get(key);
      if (known && (known.type !== stored || known.count !== count)) {
        throw formatError(`${WHAT}: the storage "${key}" is described in two ways.`);
      }
      const storage = known ?? { key, type: stored, count, tensors: 0 };
      storages.set(key, storage);
      return storage;
    },
  };
}

function readZipped(bytes: ByteRanges): unknown {
  const members = new Map(
    readZip(bytes, unpackLimit(bytes.length), WHAT).map((member) => [member.name, member]),
  );
  const pickle = [...members.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickle === undefined) {
    throw formatError(`${WHAT}: it has no data.pkl; a TorchScript archive is not read.`);
  }
  const folder = pickle.slice(0, -"data.pkl".length);
  checkByteOrder(members.get(`${folder}byteorder`));
  const storages = new Map<string, Storage>();
  const content = members.get(pickle)!;
  if (content.size > MAX_PICKLES) throw formatError(`${WHAT}: its data.pkl is too large.`);
  const { value } = readPickle(content.read(), pickleOptions(storages), WHAT);
  for (const storage of storages.values()) {
    const member = members.get(`${folder}data/${storage.key}`);
    if (!member) throw formatError(`${WHAT}: the storage "${storage.key}" is missing.`);
    storage.content = member;
  }
  return value;
}

function checkByteOrder(member: ZipMember | undefined): void {
  if (member === undefined) return;
  if (member.size <= 16 && decodeUtf8(member.read(), WHAT) === "little") return;
  throw new OcelliError("unsupported", `${WHAT}: it was written on a big-endian machine.`);
}

/** Five pickles (a magic number, a version, the machine, the content, the storages' order), then the storages. */
function readLegacy(bytes: ByteRanges): unknown {
  const storages = new Map<string, Storage>();
  const options = pickleOptions(storages);
  const head = bytes.subarray(0, Math.min(bytes.length, MAX_PICKLES));
  let at = 0;
  const next = (): unknown => {
    const { value, end } = readPickle(head, options, WHAT, at);
    at = end;
    return value;
  };
  if (next() !== MAGIC) throw formatError(`${WHAT}: it does not begin as torch.save writes it.`);
  const version = next();
  if (version !== LEGACY_VERSION) {
    throw formatError(`${WHAT}: its version is not ${LEGACY_VERSION}.`);
  }
  next();
  const value = next();
  const keys = next();
  if (!Array.isArray(keys)) throw formatError(`${WHAT}: the list of its storages is damaged.`);
  for (const key of keys as unknown[]) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    if (!storage) throw formatError(`${WHAT}: nothing refers to one of its storages.`);
    const count = readUint64(viewOf(rangeOf(bytes, at, at + 8, WHAT)), 0, WHAT);
    const begin = at + 8;
    at = begin + storage.count * storedSize(storage.type);
    if (count !== storage.count || at > bytes.length) {
      throw formatError(`${WHAT}: the storage "${storage.key}" is truncated.`);
    }
    const end = at;
    storage.content = { size: end - begin, read: () => bytes.subarray(begin, end) };
  }
  return value;
}

/** Gathers the tensors of nested containers by their path; other values (epochs, settings) are passed over. */
function flatten(root: unknown, into: Map<string, StoredTensor>): void {
  let visits = 0;
  const visit = (value: unknown, path: string, depth: number): void => {
    if (++visits > MAX_VALUES) throw formatError(`${WHAT}: it holds too many values.`);
    if (depth > MAX_DEPTH) throw formatError(`${WHAT}: it is nested too deeply.`);
    if (value instanceof StoredTensor) {
      if (into.has(path)) throw formatError(`${WHAT}: two tensors are named "${path}".`);
      into.set(path, value);
      return;
    }
    if (!(value instanceof Map) && !Array.isArray(value)) return;
    for (const [key, child] of value.entries()) {
      const name = path === "" ? String(key) : `${path}.${String(key)}`;
      visit(child, checkName(name, WHAT), depth + 1);
    }
  };
  visit(root, "", 0);
}

/** A tensor's elements in row-major order. */
function materialise({ storage, offset, shape, strides }: StoredTensor, what: string): HostArray {
  const size = checkedSize(shape, what);
  const { type, count } = storage;
  if (strides.length !== shape.length) throw formatError(`${what}: its strides are damaged.`);
  const last = shape.reduce((at, extent, axis) => at + (extent - 1) * strides[axis], offset);
  if (size > 0 && !(last < count)) throw formatError(`${what} lies outside its storage.`);
  if (size > count) {
    throw new OcelliError("unsupported", `${what} is an expanded view of a smaller storage.`, {
      hint: "Save it with .contiguous().",
    });
  }
  const width = storedSize(type);
  const bytes = contentOf(storage, count * width);
  if (!bytes) {
    throw formatError(`${what}: its storage has not the ${count} elements that are described.`);
  }
  const rowMajor = stridesOf(shape);
  if (
    size === 0 ||
    shape.every((extent, axis) => extent === 1 || strides[axis] === rowMajor[axis])
  ) {
    const begin = size === 0 ? 0 : offset * width;
    return arrayFromBytes(bytes.subarray(begin, begin + size * width), shape, type, what);
  }
  const whole = arrayFromBytes(bytes, [count], type, what);
  return gather(whole, offset, shape, strides);
}

/** A storage's bytes, read once for all tensors that share it; nothing where there are not `size` of them. */
function contentOf(storage: Storage, size: number): Uint8Array | undefined {
  if (storage.content?.size !== size) return undefined;
  if (storage.held) return storage.held;
  const bytes = storage.content.read();
  if (storage.tensors > 1) storage.held = bytes;
  return bytes;
}

/** The elements of a strided view, copied in row-major order. */
function gather(whole: HostArray, offset: number, shape: Shape, strides: Shape): HostArray {
  const dtype: DType = whole.dtype;
  const out = typedArray(dtype, sizeOf(shape));
  const index = shape.map(() => 0);
  let from = offset;
  for (let to = 0; to < out.length; to++) {
    out[to] = whole.data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return hostArray(shape, dtype, out);
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= MAX_RANK && value.every(isCount);

const isStorage = (value: unknown): value is Storage =>
  typeof value === "object" && value !== null && "key" in value && "count" in value;
