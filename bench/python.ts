/** @file The Python of the peers, in the environment that scripts/peers.sh sets up. */

import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A program of the environment: in the folder that OCELLI_PEERS names, else in .venv. */
export const peersProgram = (name: string): string =>
  join(process.env.OCELLI_PEERS ?? join(ROOT, ".venv"), "bin", name);
