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

export const launchGpuChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: BROWSER, args: FLAGS });
