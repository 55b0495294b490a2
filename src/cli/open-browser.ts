/** @file A page shown in the browser of this machine. */

import { spawn } from "node:child_process";
import { resolve } from "node:path";

/** The system's program that opens a file, by platform. */
const OPENERS: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  win32: ["explorer.exe"],
};

/** Shows a file in the browser; where the system cannot, nothing happens, as the file's name has been said. */
export function openInBrowser(file: string): void {
  const [program, ...args] = OPENERS[process.platform] ?? ["xdg-open"];
  const child = spawn(program, [...args, resolve(file)], { detached: true, stdio: "ignore" });
  child.on("error", () => undefined);
  child.unref();
}
