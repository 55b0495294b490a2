/** @file What it means when a GPU fails, by what ONNX Runtime and browsers say of it. */

/** A failure in words of ours, and what to do. */
export interface GpuFailure {
  readonly what: string;
  readonly hint: string;
}

const SMALLER = "Take a smaller batchSize, or accumulate, which computes a batch in parts.";

const FAILURES: readonly (GpuFailure & { readonly said: RegExp })[] = [
  {
    said: /device\b.{0,40}\blost\b|\bis lost\b/is,
    what: "the GPU was lost, and with it what its memory held",
    hint: "A training resumes from its last checkpoint: ocelli train --resume RUN.",
  },
  {
    said: /exceeds the max|exceeding maxStorageBufferBindingSize|raw_hash_map/is,
    what: "an array is larger than the GPU's limit (ocelli engines prints it)",
    hint: SMALLER,
  },
  {
    said: /out of memory|is invalid due to a previous error/is,
    what: "the GPU has no memory left for an array",
    hint: SMALLER,
  },
];

/** What a message of a GPU's failure means; undefined where it is none that is known. */
export const gpuFailureOf = (message: string): GpuFailure | undefined =>
  FAILURES.find(({ said }) => said.test(message));
