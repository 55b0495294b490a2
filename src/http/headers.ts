/** @file What every response says to the browser, errors too: nothing is loaded from elsewhere, framed, guessed or kept. */

import type { Server, ServerResponse } from "node:http";
import { isIP } from "node:net";
import { hostname as nameOfMachine } from "node:os";

/** What the page itself may load. */
const POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Headers of a report: it has all that it needs in itself. What it shows comes from run folders; in a sandbox it is of no origin,
 * so that nothing in it reaches the page beside it. Browsers show no sandbox that asks for an opener policy.
 */
export const REPORT_HEADERS = {
  "Content-Security-Policy":
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; " +
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Cross-Origin-Opener-Policy": "unsafe-none",
};

const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": POLICY,
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/** Sets the headers on every response of a server before anything else does; an answer may replace one. */
export function secureResponses(server: Pick<Server, "prependListener" | "on">): void {
  server.prependListener("request", (_: unknown, response: ServerResponse) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  });
  // What is no HTTP never becomes a request.
  server.on("clientError", (_error, socket) => {
    if (!socket.writable) return void socket.destroy();
    const lines = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 400 Bad Request\r\nConnection: close\r\n${lines.join("")}\r\n`);
  });
}

const LOCAL = new Set(["localhost", "127.0.0.1", "[::1]", "::1"]);

/** Whether a host's name or address is this machine's own, which others cannot reach. */
export const isLocal = (host: string): boolean => LOCAL.has(host);

/**
 * Whether a server may answer under the name that a request asks for. Any name can be made to resolve to this machine, and a
 * page of that name would then be of the server's own origin: where the server listens for this machine alone, its names are
 * those of this machine; else its names are addresses, the host that was given, and what the machine is called.
 *
 * @param asked of the request's address, IPv6 in brackets
 * @param host where the server listens
 */
export function isServed(asked: string, host: string): boolean {
  if (isLocal(asked)) return true;
  if (isLocal(host)) return false;
  const name = asked.toLowerCase();
  if (isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0) return true;
  const own = nameOfMachine().toLowerCase();
  return [host.toLowerCase(), own, `${own}.local`].includes(name);
}
