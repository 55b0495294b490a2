/** @file What a cluster's processes say to one another: one JSON object a line. */

import type { Socket } from "node:net";

/** From a process to the coordinator. */
export type Request =
  | { readonly say: "join"; readonly index: number; readonly processes: number }
  | { readonly say: "read"; readonly id: number; readonly key: string }
  | {
      readonly say: "write";
      readonly id: number;
      readonly key: string;
      /** Base64. */
      readonly value: string;
      /** Whether the key keeps the value that it has. */
      readonly first: boolean;
    }
  /** Its last word; `why` where an error ends it. */
  | { readonly say: "leave"; readonly why?: string };

/** From the coordinator to a process. */
export type Answer =
  | { readonly say: "begin" }
  | { readonly say: "refuse"; readonly why: string }
  | { readonly say: "value"; readonly id: number; readonly value: string | null }
  /** Another process has ended before its time. */
  | { readonly say: "lost"; readonly why: string }
  /** Every process has left. */
  | { readonly say: "end" };

/** Idle time after which the system asks whether the other host still is there. */
const KEEP_ALIVE_MS = 10_000;

/** Sends a message. */
export const send = (socket: Socket, message: Request | Answer): void =>
  void socket.write(`${JSON.stringify(message)}\n`);

/** Calls `take` for every message that comes. */
export function listen<T extends Request | Answer>(
  socket: Socket,
  take: (message: T) => void,
): void {
  socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS).setEncoding("utf8");
  let rest = "";
  socket.on("data", (text) => {
    const lines = (rest + String(text)).split("\n");
    rest = lines.pop()!;
    for (const line of lines) take(JSON.parse(line) as T);
  });
}
