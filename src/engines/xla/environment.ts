/** @file Environment settings of XLA: those that may be set when it is loaded, and those that must precede the process. */

import { existsSync } from "node:fs";
import { allocatorFiles } from "./plugins.ts";

/** Variables by name. */
export type Environment = Readonly<Record<string, string>>;

/** Settings that XLA reads when it is loaded; what the user has set stays. */
export function prepareEnvironment(threads: number | undefined): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2"; // errors only
  if (threads !== undefined) process.env.PJRT_NPROC = String(threads);
}

/** Allocators that a system may have, and how they are told to keep what is freed. */
const ALLOCATORS: readonly { readonly file: string; readonly settings: Environment }[] = [
  { file: "libtcmalloc_minimal.so.4", settings: { TCMALLOC_RELEASE_RATE: "0" } },
  { file: "libtcmalloc.so.4", settings: { TCMALLOC_RELEASE_RATE: "0" } },
];

const LIBRARY_FOLDERS = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
  "/usr/local/lib",
];

/** oneTBB's allocator keeps freed blocks from this size, the smallest that it takes. */
const ONE_TBB: Environment = { TBB_MALLOC_SET_HUGE_SIZE_THRESHOLD: String(2 ** 23) };

/** glibc's allocator, told to keep freed memory instead of giving it back after every step. */
const GLIBC_TUNABLES = ["arena_max=1", "mmap_max=0", "trim_threshold=17179869184", "hugetlb=1"].map(
  (setting) => `glibc.malloc.${setting}`,
);

/** The names of the variables that a process was started again with. */
const STARTED_WITH = "OCELLI_STARTED_WITH";

/**
 * Variables that must be set before the process starts, for the CPU plugin: a step's temporaries (about 700 MB for a
 * ViT-S/16) would be mapped afresh each time. The command line starts itself again with them; empty where they are set
 * already or the platform has no use for them.
 */
export function launchEnvironment(): Environment {
  const { LD_PRELOAD, GLIBC_TUNABLES: tunables } = process.env;
  if (process.platform !== "linux" || LD_PRELOAD || tunables) return {};
  return allocatorSettings();
}

function allocatorSettings(): Environment {
  for (const { file, settings } of ALLOCATORS) {
    const path = LIBRARY_FOLDERS.map((folder) => `${folder}/${file}`).find((at) => existsSync(at));
    if (path) return { LD_PRELOAD: path, ...settings };
  }
  const libraries = allocatorFiles("xla-cpu");
  if (libraries.length > 0) return { LD_PRELOAD: libraries.join(":"), ...ONE_TBB };
  return { GLIBC_TUNABLES: GLIBC_TUNABLES.join(":") };
}

/** The environment of a process that is started again with settings, and knows them. */
export const environmentWith = (settings: Environment): NodeJS.ProcessEnv => ({
  ...process.env,
  ...settings,
  [STARTED_WITH]: Object.keys(settings).join(","),
});

/** This process's environment without the settings that it was started again with: for programs that are not ours. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const added = (process.env[STARTED_WITH] ?? "").split(",");
  const entries = Object.entries(process.env);
  return Object.fromEntries(
    entries.filter(([name]) => name !== STARTED_WITH && !added.includes(name)),
  );
}
