/** @file The pinned plugins, and where they are installed. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { unknownName } from "../../errors.ts";
import { cacheFolder } from "../../packages/cache.ts";

/** A plugin of known origin: a wheel of the Python package index. */
export interface Plugin {
  /** What it computes on, in a few words. */
  readonly summary: string;
  /** The wheel. */
  readonly wheel: string;
  readonly version: string;
  /** The library, by its path in the wheel. */
  readonly library: string;
  /** Of the library. */
  readonly sha256: string;
  readonly licence: string;
  /** Wheels whose libraries it loads, as requirements; they are unpacked beside it. */
  readonly needs: readonly string[];
  /** What processes that use it allocate memory with. */
  readonly allocator?: Allocator;
}

/** Libraries of a wheel that take the place of the C library's allocator. */
export interface Allocator {
  readonly wheel: string;
  readonly version: string;
  readonly licence: string;
  /** The SHA-256 of each library by its path in the wheel, in the order in which they are loaded. */
  readonly libraries: Readonly<Record<string, string>>;
}

/** oneTBB's, which keeps what is freed without fragmenting it; Debian's tcmalloc is as good, but comes in no wheel. */
const ONE_TBB: Allocator = {
  wheel: "tbb",
  version: "2023.2.0",
  licence: "Intel Simplified Software License",
  libraries: {
    "tbb-2023.2.0.data/data/lib/libtbbmalloc.so.2":
      "4ba3f2ecebbd1c0c1d7b9d955ab0dab58ec7d3e567a7c6551d9fbe6e54295704",
    "tbb-2023.2.0.data/data/lib/libtbbmalloc_proxy.so.2":
      "1aba8adf1d18092b018e10a7e3852d8f0145a39f900804a1e207473cd97a13cf",
  },
};

/** The plugins that `ocelli engines install` knows. The needs are those of jax-cuda*-plugin[with-cuda]. */
export const PLUGINS: Readonly<Record<string, Plugin>> = {
  "xla-cpu": {
    summary: "XLA on the CPU",
    wheel: "lammps-jax-pjrt-cpu",
    version: "0.11.2",
    library: "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so",
    sha256: "ad1309ac822b1b24d51b7f9947c7c9fa9ef5d67f390584cbc3d1fa2428fed9c2",
    licence: "Apache-2.0",
    needs: [],
    allocator: ONE_TBB,
  },
  "xla-cuda12": {
    summary: "XLA on NVIDIA GPUs, CUDA 12",
    wheel: "jax-cuda12-pjrt",
    version: "0.11.2",
    library: "jax_plugins/xla_cuda12/xla_cuda_plugin.so",
    sha256: "ed4d60d77427548709ca0b5a8e04c1b24cc0091452bb564e4aea01e03ae7eac1",
    licence: "Apache-2.0; the nvidia-* libraries have NVIDIA's own",
    needs: [
      "nvidia-cublas-cu12>=12.1.3.1",
      "nvidia-cuda-cupti-cu12>=12.1.105",
      "nvidia-cuda-nvcc-cu12>=12.6.85",
      "nvidia-cuda-nvrtc-cu12>=12.1.55",
      "nvidia-cuda-runtime-cu12>=12.1.105",
      "nvidia-cudnn-cu12>=9.10.2.21,<10",
      "nvidia-cufft-cu12>=11.0.2.54",
      "nvidia-cusolver-cu12>=11.4.5.107",
      "nvidia-cusparse-cu12>=12.1.0.106",
      "nvidia-nccl-cu12>=2.18.1",
      "nvidia-nvjitlink-cu12>=12.1.105",
      "nvidia-nvshmem-cu12>=3.2.5",
    ],
  },
  "xla-cuda13": {
    summary: "XLA on NVIDIA GPUs, CUDA 13",
    wheel: "jax-cuda13-pjrt",
    version: "0.11.2",
    library: "jax_plugins/xla_cuda13/xla_cuda_plugin.so",
    sha256: "43d3efd6fd43d8a5d9aa67176e830d81e4ad5fc19fda4ad09cdcc4aebd9f3920",
    licence: "Apache-2.0; the nvidia-* libraries have NVIDIA's own",
    needs: [
      "nvidia-cublas>=13.0.0.19,<14",
      "nvidia-cuda-cupti>=13.0.48,<14",
      "nvidia-cuda-nvcc>=13.0.48,<14",
      "nvidia-cuda-nvrtc>=13.0.48,<14",
      "nvidia-cuda-runtime>=13.0.48,<14",
      "nvidia-cudnn-cu13>=9.12.0.46,<10",
      "nvidia-cufft>=12.0.0.15,<13",
      "nvidia-cusolver>=12.0.3.29,<13",
      "nvidia-cusparse>=12.6.2.49,<13",
      "nvidia-nccl-cu13>=2.27.7",
      "nvidia-nvjitlink>=13.0.39,<14",
      "nvidia-nvshmem-cu13>=3.3.20",
      "nvidia-nvvm>=13,<14",
    ],
  },
};

/** The plugin of a name; an error with the nearest ones for an unknown name. */
export function pluginOf(name: string): Plugin {
  if (!Object.hasOwn(PLUGINS, name)) throw unknownName("plugin", name, Object.keys(PLUGINS));
  return PLUGINS[name];
}

/** Where a pinned plugin is installed. */
export const pluginFolder = (name: string): string =>
  join(cacheFolder("engines"), name, pluginOf(name).version);

/** Where a pinned plugin's library lies when it is installed. */
export const libraryPath = (name: string): string =>
  join(pluginFolder(name), pluginOf(name).library);

/** The files of a pinned plugin whose SHA-256 is known, by their paths in its folder. */
export const pinnedFiles = (name: string): Readonly<Record<string, string>> => {
  const { library, sha256, allocator } = pluginOf(name);
  return { [library]: sha256, ...allocator?.libraries };
};

/** The libraries of a pinned plugin's allocator, in the order in which they are loaded; none where one is not there. */
export function allocatorFiles(name: string): string[] {
  const paths = Object.keys(pluginOf(name).allocator?.libraries ?? {});
  const files = paths.map((path) => join(pluginFolder(name), path));
  return files.every((file) => existsSync(file)) ? files : [];
}

/** The pinned plugins that are installed, by name. */
export const installedPlugins = (): string[] =>
  Object.keys(PLUGINS).filter((name) => existsSync(libraryPath(name)));
