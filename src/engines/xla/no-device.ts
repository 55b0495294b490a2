/** @file What is missing where a CUDA plugin is installed and its client cannot be made: the driver, or the GPU. */

import koffi from "koffi";
import { OcelliError } from "../../errors.ts";

/** The library that NVIDIA's driver brings. */
const DRIVER = process.platform === "win32" ? "nvcuda.dll" : "libcuda.so.1";

/** The oldest driver that runs a version of CUDA. */
const OLDEST: Readonly<Record<string, string>> = { "12": "525", "13": "580" };

function hasDriver(): boolean {
  try {
    koffi.load(DRIVER);
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs what makes a plugin's client.
 *
 * @throws an engine error that says what is missing, where a CUDA plugin finds no GPU; else what was thrown
 */
export function withDevice<T>(plugin: string, make: () => T, isDriven = hasDriver): T {
  try {
    return make();
  } catch (cause) {
    const [, version] = /^xla-cuda(\d+)$/.exec(plugin) ?? [];
    const isMissing = cause instanceof Error && /No visible GPU|cuInit/i.test(cause.message);
    if (version === undefined || !isMissing) throw cause;
    const driver = `NVIDIA's driver, version ${OLDEST[version] ?? "for it"} or newer`;
    const what = isDriven()
      ? "NVIDIA's driver is installed, but shows no GPU"
      : `there is no NVIDIA driver (${DRIVER} is not found)`;
    throw new OcelliError("engine", `${plugin} is installed, but ${what}.`, {
      hint: `It needs an NVIDIA GPU and ${driver}: nvidia-smi must list the GPU. Without one: --engine auto.`,
      cause,
    });
  }
}
