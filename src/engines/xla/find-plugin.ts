/** @file Which library a plugin's name or file stands for. */

import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { OcelliError, unknownName } from "../../errors.ts";
import { checkUnchanged, ownPlugin, ownPlugins } from "./own-plugins.ts";
import { PLUGINS, libraryPath } from "./plugins.ts";

/** A plugin that is there. */
export interface FoundPlugin {
  /** Its file. */
  readonly library: string;
  /** Which build it is, for people and for a run's record. */
  readonly build: string;
  /** Whether it is known to compute on CPUs. */
  readonly onCpu: boolean;
}

/** Whether a name is that of a plugin which computes on CPUs. */
export const isCpuPlugin = (name: string): boolean =>
  name === "xla-cpu" || ownPlugin(name)?.platform === "cpu";

/** The library that a plugin's name or file stands for; an error where it is not installed or has changed. */
export function findPlugin(plugin: string): FoundPlugin {
  const isFile = isAbsolute(plugin) || /[/\\]|\.(so|dylib|dll)$/.test(plugin);
  if (isFile) return { library: resolve(plugin), build: resolve(plugin), onCpu: false };
  const own = ownPlugin(plugin);
  if (own) {
    checkUnchanged(own);
    const build = `build sha256:${own.sha256.slice(0, 12)}`;
    return { library: own.library, build, onCpu: isCpuPlugin(plugin) };
  }
  if (!Object.hasOwn(PLUGINS, plugin)) {
    throw unknownName("plugin", plugin, [...Object.keys(PLUGINS), ...ownPlugins()]);
  }
  const { wheel, version } = PLUGINS[plugin];
  const library = libraryPath(plugin);
  if (existsSync(library)) {
    return { library, build: `${wheel} ${version}`, onCpu: isCpuPlugin(plugin) };
  }
  throw new OcelliError("engine", `the plugin ${plugin} is not installed.`, {
    hint: `Install it: ocelli engines install ${plugin}`,
  });
}
