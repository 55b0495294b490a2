/** @file What programs are compiled for: what a platform likes decides how they are written. */

import type { CompilerOption } from "./pjrt/compile-options.ts";

/** Properties of a platform that the lowering looks at. */
export interface Target {
  /** As the client names it: "cpu", "cuda", "rocm", "tpu". */
  readonly platform: string;
  /** Write products as matrices of two or three axes; else axes are left to the compiler's layouts. */
  readonly flatProducts: boolean;
  /** Write the random cipher as a loop: unrolled, its 20 rounds take LLVM minutes where a program draws many numbers. */
  readonly rolledCipher: boolean;
  /** Whether backward passes compute again what is large: other platforms have kernels and memory of their own for it. */
  readonly recomputes: boolean;
  /** Whether float32 products need to be told to stay float32. */
  readonly exactProducts: boolean;
  /** XLA's options by name. */
  readonly compiler: Readonly<Record<string, CompilerOption>>;
}

/** The CPU compiler's maximum and minimum lose NaN unless told to keep it. */
const CPU_COMPILER = { xla_cpu_enable_fast_min_max: false };

/** Numbers of float32 products where the hardware has a faster, narrower form. */
export type ProductPrecision = "float32" | "tf32";

/** The target of a platform. */
export function targetOf(platform: string, precision: ProductPrecision = "float32"): Target {
  const onCpu = platform === "cpu";
  return {
    platform,
    flatProducts: onCpu,
    rolledCipher: onCpu,
    recomputes: onCpu,
    exactProducts: !onCpu && precision === "float32",
    compiler: onCpu ? CPU_COMPILER : {},
  };
}
