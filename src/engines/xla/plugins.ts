/** @file The pinned plugins, and where they are installed. */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { OcelliError, unknownName } from "../../errors.ts";

/** A wheel of the Python package index. */
export interface Wheel {
  readonly name: string;
  readonly version: string;
}

/** A plugin of known origin. */
export interface Plugin extends Wheel {
  /** The library, by its path in the wheel. */
  readonly library: string;
  /** Of the library; absent where it has not been verified by us: then the wheel's own record counts. */
  readonly sha256?: string;
  readonly licence: string;
  /** Wheels whose libraries it loads; they lie beside it as Python would install them. */
  readonly needs: readonly Wheel[];
}

const cuda = (major: 12 | 13, needs: Readonly<Record<string, string>>): Plugin => ({
  name: `jax-cuda${major}-pjrt`,
  version: "0.11.2",
  library: `jax_plugins/xla_cuda${major}/xla_cuda_plugin.so`,
  licence: "Apache-2.0; the nvidia-* libraries: NVIDIA's own",
  needs: Object.entries(needs).map(([name, version]) => ({ name, version })),
});

/** The plugins that `ocelli engines install` knows. */
export const PLUGINS: Readonly<Record<string, Plugin>> = {
  "xla-cpu": {
    name: "lammps-jax-pjrt-cpu",
    version: "0.11.2",
    library: "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so",
    sha256: "ad1309ac822b1b24d51b7f9947c7c9fa9ef5d67f390584cbc3d1fa2428fed9c2",
    licence: "Apache-2.0",
    needs: [],
  },
};

/** Where engines are kept: `OCELLI_CACHE`, else the user's cache folder. */
export function engineFolder(): string {
  const { OCELLI_CACHE, XDG_CACHE_HOME } = process.env;
  const root = OCELLI_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "ocelli");
  return join(root, "engines");
}

/** The plugin of a name; an error with the nearest ones for an unknown name. */
export function pluginOf(name: string): Plugin {
  if (!Object.hasOwn(PLUGINS, name)) throw unknownName("plugin", name, Object.keys(PLUGINS));
  return PLUGINS[name];
}

/** Where a pinned plugin's library lies when it is installed. */
export const libraryPath = (name: string): string => {
  const { version, library } = pluginOf(name);
  return join(engineFolder(), name, version, library);
};

/** The pinned plugins that are installed, by name. */
export const installedPlugins = (): string[] =>
  Object.keys(PLUGINS).filter((name) => existsSync(libraryPath(name)));

/** The library that a plugin's name or file stands for. */
export function findPlugin(plugin: string): string {
  const isFile = isAbsolute(plugin) || /[/\\]|\.(so|dylib|dll)$/.test(plugin);
  if (isFile) return resolve(plugin);
  const path = libraryPath(plugin);
  if (existsSync(path)) return path;
  throw new OcelliError("engine", `the plugin ${plugin} is not installed.`, {
    hint: `Install it: ocelli engines install ${plugin}`,
  });
}
