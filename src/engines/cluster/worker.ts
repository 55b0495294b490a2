/**
 * @file A process's link to its cluster, on a thread of its own: it answers while the main thread waits for a value, as
 * it must inside a plugin's callback. In process 0 the coordinator runs here too.
 */

import { type Socket, createConnection } from "node:net";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { startCoordinator } from "./coordinator.ts";
import { type Answer, type Request, listen, send } from "./link.ts";
import type { ClusterPlace } from "./place.ts";

/** What the main thread hands over. */
export interface LinkData {
  readonly place: ClusterPlace;
  readonly joinSeconds: number;
  /** Answers to calls that the main thread waits for. */
  readonly answers: MessagePort;
  /** Grows by one with every such answer. */
  readonly bell: Int32Array;
}

/** From the main thread. */
export type Call = Extract<Request, { say: "read" | "write" | "leave" }>;

/** To the main thread, beside the answers. */
export type News =
  { readonly say: "begin" | "end" } | { readonly say: "failed" | "lost"; readonly why: string };

const RETRY_MS = 200;

const { place, joinSeconds, answers, bell } = workerData as LinkData;
const { host, port, index, processes } = place;
const deadline = performance.now() + joinSeconds * 1e3;
let socket: Socket | undefined;
let over = false;

const tell = (news: News): void => parentPort!.postMessage(news);

function answer(message: Answer | { readonly say: "gone" }): void {
  answers.postMessage(message);
  Atomics.add(bell, 0, 1);
  Atomics.notify(bell, 0);
}

function finish(news: News): void {
  if (over) return;
  over = true;
  tell(news);
  answer({ say: "gone" }); // whoever waits for a value
  socket?.destroySoon();
}

/** Connects to the coordinator, again and again until it is there. */
function connect(): void {
  const link = createConnection(port, host);
  let begun = false;
  link.once("connect", () => {
    socket = link;
    const late = () => finish({ say: "failed", why: `not all of ${processes} processes came` });
    const limit = setTimeout(late, deadline - performance.now());
    listen<Answer>(link, (message) => {
      if (message.say === "value") return answer(message);
      if (message.say === "refuse") return finish({ say: "failed", why: message.why });
      if (message.say === "lost") return finish(message);
      clearTimeout(limit);
      begun = true;
      if (message.say === "end") finish({ say: "end" });
      else tell({ say: "begin" });
    });
    link.on("close", () => {
      clearTimeout(limit);
      finish(
        begun
          ? { say: "lost", why: "process 0, the coordinator, was lost" }
          : { say: "failed", why: "the coordinator has gone" },
      );
    });
    send(link, { say: "join", index, processes });
  });
  link.on("error", (error) => {
    if (socket) return; // "close" follows
    if (performance.now() < deadline) setTimeout(connect, RETRY_MS);
    else finish({ say: "failed", why: `nobody answers at ${host}:${port} (${error.message})` });
  });
}

parentPort!.on("message", (call: Call) => {
  if (socket && !over) send(socket, call);
  else if (call.say !== "leave") answer({ say: "gone" });
});

if (index === 0) {
  startCoordinator(port, processes).then(connect, (error: Error) =>
    finish({ say: "failed", why: `the port ${port} cannot be opened (${error.message})` }),
  );
} else connect();
