/** @file Environment settings of XLA: those that may be set when it is loaded, and those that must precede the process. */

import { existsSync } from "node:fs";

/** Variables by name. */
export type Environment = Readonly<Record<string, string>>;

/** Settings that XLA reads when it is loaded; what the user has set stays. */
export function prepareEnvironment(threads: number | undefined): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2"; // errors only
  if (threads !== undefined) process.env.PJRT_NPROC = String(threads);
}

const ALLOCATORS: readonly { readonly file: RegExp | string; readonly settings: Environment }[] = [
  { file: "libtcmalloc_minimal.so.4", settings: { TCMALLOC_RELEASE_RATE: "0" } },
  { file: "libtcmalloc.so.4", settings: { TCMALLOC_RELEASE_RATE: "0" } },
  {
    file: "libjemalloc.so.2",
    settings: { MALLOC_CONF: "dirty_decay_ms:-1,muzzy_decay_ms:-1" },
  },
];

const LIBRARY_FOLDERS = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
  "/usr/local/lib",
];

/** glibc's allocator, told to keep freed memory instead of giving it back after every step. */
const GLIBC_TUNABLES = ["arena_max=1", "mmap_max=0", "trim_threshold=17179869184", "hugetlb=1"].map(
  (setting) => `glibc.malloc.${setting}`,
);

/**
 * Variables that must be set before the process starts, for the CPU plugin: a step's temporaries (about 1 GB for a
 * ViT-S/16) would be mapped afresh each time. The command line starts itself again with them; empty where they are set
 * already or the platform has no use for them.
 */
export function launchEnvironment(): Environment {
  const { LD_PRELOAD, GLIBC_TUNABLES: tunables } = process.env;
  if (process.platform !== "linux" || LD_PRELOAD || tunables) return {};
  for (const { file, settings } of ALLOCATORS) {
    const path = LIBRARY_FOLDERS.map((folder) => `${folder}/${file}`).find((at) => existsSync(at));
    if (path) return { LD_PRELOAD: path, ...settings };
  }
  return { GLIBC_TUNABLES: GLIBC_TUNABLES.join(":") };
}
