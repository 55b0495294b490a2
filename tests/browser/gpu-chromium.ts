/** @file Debian's `chromium` with a WebGPU adapter in software, which npm's Chromium lacks. */

import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const BROWSER = "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
];

/** Why tests in it are skipped, for their titles; empty where they run. */
export const withoutGpu =
  process.env.OCELLI_LONG !== "1"
    ? ": skipped, asked for by OCELLI_LONG=1"
    : existsSync(BROWSER)
      ? ""
      : `: skipped, there is no ${BROWSER}`;

/** Starts it; a driver that Node is to take (docs/gpu.md) would leave it without an adapter. */
export function launchGpuChromium(): Promise<Browser> {
  const { VK_DRIVER_FILES: _, ...env } = process.env;
  return chromium.launch({
    executablePath: BROWSER,
    args: FLAGS,
    env: env as Record<string, string>,
  });
}
