/** @file The libraries of NVIDIA's wheels that lie beside a CUDA plugin: loaded first, so that later look-ups by name find them. */

import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import koffi from "koffi";

/** In the order in which they need one another; cuDNN looks for NVRTC by name. */
const LIBRARIES = [
  "libcudart",
  "libnvrtc",
  "libnvJitLink",
  "libcublasLt",
  "libcublas",
  "libnccl",
  "libcupti",
  "libcusparse",
  "libcusolver",
  "libcufft",
  "libnvshmem_host",
  "libcudnn",
];

/** Held for good: koffi unloads a library whose handle is collected. */
const loaded = new Map<string, ReturnType<typeof koffi.load>>();

/** `libcublas.so.13`, without a longer version behind it. */
const isLibrary = (file: string, name: string): boolean =>
  file.startsWith(`${name}.so.`) && /^\d+$/.test(file.slice(name.length + 4));

/**
 * Loads the libraries that a plugin finds in `nvidia/<part>/lib` of the folder it is installed in, as Python lays wheels
 * out; a plugin that lies elsewhere finds them as the system does.
 */
export function loadCompanions(plugin: string): void {
  const root = join(dirname(plugin), "..", "..", "nvidia");
  if (!existsSync(root)) return;
  const folders = readdirSync(root)
    .map((part) => join(root, part, "lib"))
    .filter((folder) => existsSync(folder));
  for (const name of LIBRARIES) {
    for (const folder of folders) {
      for (const file of readdirSync(folder).filter((entry) => isLibrary(entry, name))) {
        const path = join(folder, file);
        if (!loaded.has(path)) loaded.set(path, koffi.load(path, { global: true }));
      }
    }
  }
}

/** Where a CUDA plugin's `ptxas` and `libdevice` lie beside it; undefined where it must look for itself. */
export function cudaFolder(plugin: string): string | undefined {
  const root = join(dirname(plugin), "..", "..", "nvidia");
  return ["cu13", "cuda_nvcc"]
    .map((part) => join(root, part))
    .find((folder) => existsSync(join(folder, "bin", "ptxas")));
}
