/** @file How the hub is reached: its address and a person's token, where the hub's own tools keep them. */

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

type Variables = Readonly<Record<string, string | undefined>>;

/** The hub's own address. */
const HUB = "https://huggingface.co";

/** The address of the hub, without a slash at the end: `HF_ENDPOINT` names a mirror. */
export const hubAddress = (variables: Variables = process.env): string =>
  (variables.HF_ENDPOINT || HUB).replace(/\/+$/, "");

/** Where the hub's own command line keeps a token: `HF_TOKEN_PATH`, or `token` in `HF_HOME`. */
export function hubTokenFile(variables: Variables = process.env): string {
  const caches = variables.XDG_CACHE_HOME || join(homedir(), ".cache");
  const home = variables.HF_HOME || join(caches, "huggingface");
  return variables.HF_TOKEN_PATH || join(home, "token");
}

/** The token of the environment's `HF_TOKEN`, or of the hub's own file; undefined where there is none. */
export function hubToken(variables: Variables = process.env): string | undefined {
  if (variables.HF_TOKEN) return variables.HF_TOKEN.trim() || undefined;
  const file = hubTokenFile(variables);
  return existsSync(file) ? readFileSync(file, "utf8").trim() || undefined : undefined;
}
