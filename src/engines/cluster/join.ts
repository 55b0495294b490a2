/** @file A process among several that compute together: it joins them, shares small values, and learns of a loss. */

import { MessageChannel, Worker, receiveMessageOnPort } from "node:worker_threads";
import { OcelliError } from "../../errors.ts";
import type { KeyValueStore } from "../xla/pjrt/store.ts";
import type { Answer } from "./link.ts";
import type { ClusterPlace } from "./place.ts";
import type { Call, LinkData, News } from "./worker.ts";

/** Seconds that processes may start apart, as long as JAX gives them. */
const JOIN_SECONDS = 300;
const POLL_MS = 20;

/** A cluster that this process belongs to. */
export interface JoinedCluster extends Pick<ClusterPlace, "index" | "processes"> {
  /** Keys and values of all. Its calls hold this thread until the coordinator has answered. */
  readonly store: KeyValueStore & {
    /** Writes a value unless there is one; the value that the key has then. */
    claim(key: string, value: Uint8Array): Uint8Array;
  };
  /** The value of a key, once some process has written it. */
  wait(key: string): Promise<Uint8Array>;
  /** Rejects when another process ends before its time; it never resolves. */
  readonly lost: Promise<never>;
  /** Leaves: without an error once all have come to their end, with one at once, and the others learn of it. */
  leave(error?: unknown): Promise<void>;
}

/**
 * Joins the other processes of a cluster; process 0 is where they meet.
 *
 * @throws an engine error where they do not all come, or one is not as the others expect
 * @example
 * const cluster = await joinCluster(parseCluster("env"));
 */
export async function joinCluster(
  place: ClusterPlace,
  { joinSeconds = JOIN_SECONDS }: { readonly joinSeconds?: number } = {},
): Promise<JoinedCluster> {
  const { port1: inbox, port2: answers } = new MessageChannel();
  const bell = new Int32Array(new SharedArrayBuffer(4));
  // the same file has another extension in the built package
  const entry = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js";
  const workerData: LinkData = { place, joinSeconds, answers, bell };
  const worker = new Worker(new URL(entry, import.meta.url), {
    workerData,
    transferList: [answers],
    execArgv: [], // flags such as --input-type are for the main file
  });
  let why = "";
  const lossOf = (): OcelliError =>
    new OcelliError(
      "engine",
      `${why || "the cluster has ended"}; this one is process ${place.index}.`,
      {
        hint: "Start all of them again with --resume.",
      },
    );
  const begun = Promise.withResolvers<undefined>();
  const ended = Promise.withResolvers<undefined>();
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => undefined); // thrown where somebody waits for it
  worker.on("message", (news: News) => {
    if (news.say === "begin") return begun.resolve(undefined);
    if (news.say === "failed") begun.reject(refusal(place, news.why));
    if (news.say === "lost") {
      why = news.why;
      lost.reject(lossOf());
      begun.reject(lossOf());
    }
    ended.resolve(undefined);
  });
  worker.on("error", (error) => {
    begun.reject(error);
    lost.reject(error as never);
    ended.resolve(undefined);
  });

  let calls = 0;
  let over = false;
  /** Asks the coordinator, and holds this thread until it has answered. */
  const ask = (call: (id: number) => Call): string | null => {
    if (over) throw lossOf(); // the thread that would answer may have ended
    const id = ++calls;
    worker.postMessage(call(id));
    for (;;) {
      const heard = Atomics.load(bell, 0);
      const message = receiveMessageOnPort(inbox)?.message as Answer | { say: "gone" } | undefined;
      if (message?.say === "gone") {
        over = true;
        throw lossOf();
      }
      if (message?.say === "value" && message.id === id) return message.value;
      if (!message) Atomics.wait(bell, 0, heard);
    }
  };
  const decode = (value: string | null): Buffer | undefined =>
    value === null ? undefined : Buffer.from(value, "base64");
  const write = (key: string, bytes: Uint8Array, first: boolean): Uint8Array => {
    const value = Buffer.from(bytes).toString("base64");
    return decode(ask((id) => ({ say: "write", id, key, value, first })))!;
  };
  const store: JoinedCluster["store"] = {
    read: (key) => decode(ask((id) => ({ say: "read", id, key }))),
    write: (key, value) => void write(key, value, false),
    claim: (key, value) => write(key, value, true),
  };

  try {
    await begun.promise;
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  return {
    index: place.index,
    processes: place.processes,
    store,
    lost: lost.promise,
    async wait(key) {
      for (;;) {
        const value = store.read(key);
        if (value) return value;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    async leave(error) {
      const said = error === undefined ? undefined : messageOf(error);
      worker.postMessage({ say: "leave", why: said } satisfies Call);
      await ended.promise;
      over = true;
      await worker.terminate();
    },
  };
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, " ");

const refusal = ({ index, host, port }: ClusterPlace, why: string): OcelliError =>
  new OcelliError(
    "engine",
    `process ${index} cannot join its cluster at ${host}:${port}: ${why}.`,
    {
      hint: "Start every process with the same coordinator and number of processes, and its own number.",
    },
  );
