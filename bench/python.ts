/** @file The Python of the peers, in the environment that scripts/peers.sh sets up. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { OcelliError } from "../src/errors.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A program of the environment: in the folder that OCELLI_PEERS names, else in .venv. */
export const peersProgram = (name: string): string =>
  join(process.env.OCELLI_PEERS ?? join(ROOT, ".venv"), "bin", name);

/**
 * The Python that runs a peer.
 *
 * @throws a data error where the peer is not installed
 */
export function pythonOf(peer: string): string {
  const python = peersProgram("python");
  if (existsSync(python)) return python;
  throw new OcelliError("data", `the peer ${peer} is not installed.`, {
    hint: `Run scripts/peers.sh ${peer}.`,
  });
}
