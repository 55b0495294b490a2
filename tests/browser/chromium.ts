/** @file A real Chromium from npm, driven by playwright: no system package is needed. */

import chromium from "@sparticuz/chromium";
import { type Browser, chromium as playwright } from "playwright-core";

/** The packaged flags put everything in one process and turn web security off, which denies threads to WebAssembly. */
const UNWANTED = [
  "--single-process",
  "--no-zygote",
  "--disable-web-security",
  "--disable-site-isolation-trials",
  "--disable-features=AudioServiceOutOfProcess,IsolateOrigins,site-per-process",
];

/** Starts the browser, with further flags. */
export const launchChromium = async (flags: readonly string[] = []): Promise<Browser> =>
  playwright.launch({
    executablePath: await chromium.executablePath(),
    args: [...chromium.args.filter((flag) => !UNWANTED.includes(flag)), ...flags],
    headless: true,
  });
