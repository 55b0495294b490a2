/** @file What every runtime's buffers share: pending use, ordered reads, deferred disposal, failed contents. */

import { OcelliError } from "../../../errors.ts";
import { sameShape, sizeOf, typedArray } from "../../../graph/dtype.ts";
import type { DType, HostArray, Shape, TypedArray } from "../../../graph/dtype.ts";
import { gpuFailureOf } from "./gpu-failure.ts";
import type { Job, RunQueue } from "./queue.ts";
import type { RuntimeBuffer, ValueInfo } from "./runtime.ts";

/** A buffer that knows which queued runs use it. */
export abstract class TrackedBuffer implements RuntimeBuffer {
  readonly dtype: DType;
  readonly shape: Shape;
  #disposed = false;
  #uses = 0;
  #writer: Job | undefined;
  #failure: unknown;

  constructor(dtype: DType, shape: Shape) {
    this.dtype = dtype;
    this.shape = shape;
  }

  /** Copies the elements; what has to be taken before the next run starts is taken synchronously. */
  protected abstract copyOut(): Promise<TypedArray> | TypedArray;
  protected abstract copyIn(data: TypedArray): void;
  protected abstract free(): void;

  get disposed(): boolean {
    return this.#disposed;
  }

  read(): Promise<HostArray> {
    this.assertLive();
    const copy = async (): Promise<HostArray> => {
      this.assertValid();
      this.#uses++;
      try {
        return { shape: this.shape, dtype: this.dtype, data: await this.copyOut() };
      } finally {
        this.#release();
      }
    };
    const writer = this.#writer;
    if (!writer) return copy();
    this.#uses++;
    return new Promise((resolve) =>
      writer.onEnd(() => {
        resolve(copy());
        this.#release();
      }),
    );
  }

  write(data: TypedArray): void {
    this.assertLive();
    if (this.#uses > 0) {
      throw new OcelliError("engine", "a queued run or read still uses this buffer.", {
        hint: "Await it first, or upload to a new buffer.",
      });
    }
    checkData(this, data);
    this.copyIn(data);
    this.#failure = undefined;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#uses === 0) this.free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  assertLive(): void {
    if (this.#disposed) throw new OcelliError("disposed", "the buffer has been disposed of.");
  }

  /** An error where the run that was to write the contents failed. */
  assertValid(): void {
    if (this.#failure !== undefined) {
      const { what, hint } = describeFailure(this.#failure);
      throw new OcelliError("engine", `the run that was to write this buffer failed${what}`, {
        cause: this.#failure,
        ...(hint !== undefined && { hint }),
      });
    }
  }

  #release(): void {
    if (--this.#uses === 0 && this.#disposed) this.free();
  }

  /** Queues a run that reads `inputs` and writes `outputs`, and keeps them until it has ended. */
  static enqueue(
    queue: RunQueue,
    inputs: readonly TrackedBuffer[],
    outputs: readonly TrackedBuffer[],
    work: () => Promise<void>,
  ): Promise<void> {
    for (const buffer of inputs) buffer.assertLive();
    for (const buffer of outputs) buffer.assertLive();
    const job = queue.add(async () => {
      for (const buffer of inputs) buffer.assertValid();
      await work();
    });
    for (const buffer of inputs) buffer.#uses++;
    for (const buffer of outputs) {
      buffer.#uses++;
      buffer.#writer = job;
    }
    job.onEnd((error) => {
      for (const buffer of outputs) {
        buffer.#failure = error;
        if (buffer.#writer === job) buffer.#writer = undefined;
        buffer.#release();
      }
      for (const buffer of inputs) buffer.#release();
    });
    return job.promise;
  }
}

/** How ONNX Runtime names the node that failed, and why it did. */
const FAILED_NODE = /running (\S+) node\. Name:'([^']*)' Status Message: (.*)/s;

/** What a run failed at: the operator, the node and the reason, of the first run where one led to another. */
function describeFailure(failure: unknown): { readonly what: string; readonly hint?: string } {
  let root = failure;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  const message = root instanceof Error ? root.message : String(root);
  const known = gpuFailureOf(message);
  const [, operator, name, reason] = FAILED_NODE.exec(message) ?? [];
  const why = known ? `${known.what}.` : (reason ?? message).trim();
  const where = operator ? ` at the operator ${operator}${name && ` ("${name}")`}` : "";
  return { what: `${where}: ${why}`, hint: known?.hint };
}

/** An error unless data has the type and length of an array of this type and shape. */
export function checkData(of: { dtype: DType; shape: Shape }, data: TypedArray): void {
  const size = sizeOf(of.shape);
  if (
    data.length !== size ||
    data.BYTES_PER_ELEMENT !== typedArray(of.dtype, 0).BYTES_PER_ELEMENT
  ) {
    throw new OcelliError(
      "shape",
      `${of.dtype} [${of.shape}] holds ${size} elements; given: ${data.length} in a ${data.constructor.name}.`,
    );
  }
}

/** An error unless the buffers fit what a session declares. */
export function checkBindings(
  role: "input" | "output",
  infos: readonly ValueInfo[],
  buffers: readonly RuntimeBuffer[],
): void {
  if (buffers.length !== infos.length) {
    throw new OcelliError(
      "argument",
      `the session has ${infos.length} ${role}s, ${buffers.length} buffers were given.`,
    );
  }
  for (let i = 0; i < infos.length; i++) {
    const { name, dtype, shape } = infos[i];
    const buffer = buffers[i];
    if (buffer.dtype === dtype && fits(shape, buffer.shape)) continue;
    throw new OcelliError(
      "shape",
      `${role} "${name}" is ${dtype} [${shape}], its buffer ${buffer.dtype} [${buffer.shape}].`,
    );
  }
  if (role === "output" && new Set(buffers).size !== buffers.length) {
    throw new OcelliError("argument", "two outputs are bound to one buffer.");
  }
}

function fits(declared: Shape, actual: Shape): boolean {
  if (sameShape(declared, actual)) return true;
  return (
    declared.length === actual.length &&
    declared.every((extent, i) => extent === -1 || extent === actual[i])
  );
}
