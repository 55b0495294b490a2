/** @file Reading settings as npm's and pip's files and variables have them. */

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The variables of a process. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The text of a settings file; none where there is none, or where it may not be read. */
export function settingsText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** A path with `~` for the user's folder. */
export const expandHome = (path: string): string =>
  path === "~" || /^~[/\\]/.test(path) ? join(homedir(), path.slice(1)) : path;

/** The proxies of a process's variables, under capital names; settings of a program come before them. */
export function proxiesOf(
  variables: Variables,
  settings: { readonly http?: string; readonly https?: string; readonly none?: string } = {},
): Record<string, string | undefined> {
  const variable = (name: string) => variables[name.toLowerCase()] ?? variables[name];
  const all = variable("ALL_PROXY");
  return {
    HTTP_PROXY: settings.http ?? variable("HTTP_PROXY") ?? all,
    HTTPS_PROXY: settings.https ?? variable("HTTPS_PROXY") ?? all,
    NO_PROXY: settings.none ?? variable("NO_PROXY"),
  };
}

/** The header for a user and a password. */
export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
