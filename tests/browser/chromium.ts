/** @file A real Chromium from npm, driven by playwright: no system package is needed. */

import chromium from "@sparticuz/chromium";
import { type Browser, chromium as playwright } from "playwright-core";

/** Starts the browser. Its packaged flags assume one process, under which WebAssembly threads do not start. */
export const launchChromium = async (): Promise<Browser> =>
  playwright.launch({
    executablePath: await chromium.executablePath(),
    args: chromium.args.filter((flag) => flag !== "--single-process" && flag !== "--no-zygote"),
    headless: true,
  });
