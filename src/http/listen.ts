/** @file Local servers: an address that is listened at, or an error that says what is free. */

import type { Server } from "node:http";
import { createServer } from "node:net";
import { serve } from "@hono/node-server";
import { OcelliError } from "../errors.ts";
import { secureResponses } from "./headers.ts";

/** A server that listens. */
export interface Listening {
  readonly server: Server;
  readonly url: string;
}

/**
 * Serves at an address; port 0 takes any free one. Every response has the headers of {@link secureResponses}.
 *
 * @throws an argument error where the port is taken, with the next free one; where the address is not this machine's
 */
export async function listen(
  fetch: Parameters<typeof serve>[0]["fetch"],
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listening> {
  const server = serve({ fetch, hostname: host, port }) as Server;
  secureResponses(server);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("listening", resolve);
      server.once("error", reject);
    });
  } catch (cause) {
    throw await listenError(cause as NodeJS.ErrnoException, host, port);
  }
  const address = server.address();
  const bound = typeof address === "object" && address ? address.port : port;
  const name = host.includes(":") ? `[${host}]` : host;
  return { server, url: `http://${name}:${bound}/` };
}

async function listenError(cause: NodeJS.ErrnoException, host: string, port: number) {
  if (cause.code === "EADDRINUSE") {
    const free = await nextFreePort(host, port + 1);
    const hint = free === undefined ? "Choose another --port." : `Free is: --port ${free}.`;
    return new OcelliError("argument", `port ${port} of ${host} is in use.`, { hint, cause });
  }
  if (cause.code === "EACCES") {
    return new OcelliError("argument", `port ${port} needs more rights.`, {
      hint: "Choose a --port above 1023.",
      cause,
    });
  }
  return new OcelliError("argument", `cannot listen at ${host}: ${cause.message}.`, {
    hint: "The address must be one of this machine, such as 127.0.0.1.",
    cause,
  });
}

/** Ports tried after one that is taken. */
const TRIED = 100;

async function nextFreePort(host: string, from: number): Promise<number | undefined> {
  for (let port = from; port < Math.min(from + TRIED, 65_536); port++) {
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once("error", () => resolve(false));
      probe.listen(port, host, () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
  return undefined;
}
