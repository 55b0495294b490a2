/** @file A page shown in the browser of this machine. */

import { spawn } from "node:child_process";
import { resolve } from "node:path";

/** The system's program that opens a file, by platform. */
const OPENERS: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  win32: ["explorer.exe"],
};

/** Shows a file or an http address in the browser; where the system cannot, nothing happens, as it has been named. */
export function openInBrowser(target: string): void {
  const [program, ...args] = OPENERS[process.platform] ?? ["xdg-open"];
  const shown = /^https?:/.test(target) ? target : resolve(target);
  const child = spawn(program, [...args, shown], { detached: true, stdio: "ignore" });
  child.on("error", () => undefined);
  child.unref();
}
