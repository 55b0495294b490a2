/** @file Worker threads that decode images and run the host operations ahead of time. */

import { Worker } from "node:worker_threads";
import { OcelliError } from "../../errors.ts";
import type { Prepared, RawExample } from "./examples.ts";
import { travelling } from "./travelling.ts";
import type { Answer, Task, WorkerData } from "./worker.ts";

/** Examples that one worker is given at a time, so that it need not wait for the next. */
const IN_HAND = 4;

/** A worker thread ended while it had examples in hand. */
export class WorkerCrash extends OcelliError {
  constructor(reason: string, cause?: unknown) {
    super("data", `a data worker crashed: ${reason}.`, { cause });
  }
}

/**
 * Makes examples ready in other threads. It owns them until it is disposed; they start when they are first used. One that
 * crashes is replaced, and the examples that it had in hand are rejected with a {@link WorkerCrash}.
 */
export interface WorkerPool extends Disposable {
  /** How many threads there are. */
  readonly size: number;
  /** Reads an example, once a worker is free, and makes it ready by a preprocessing's text. */
  prepare(text: string, read: () => Promise<RawExample> | RawExample): Promise<Prepared>;
}

interface Waiting {
  readonly resolve: (prepared: Prepared) => void;
  readonly reject: (error: Error) => void;
}

interface Member {
  readonly worker: Worker;
  readonly tasks: Map<number, Waiting>;
}

const ended = (): OcelliError => new OcelliError("disposed", "the data workers have ended.");

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");

/** A pool of `size` worker threads. */
export function createWorkerPool(size: number): WorkerPool {
  const members: Member[] = [];
  const queue: (() => void)[] = [];
  let taken = 0;
  let tasks = 0;
  let isDisposed = false;

  function start(): Member {
    // the same file has another extension in the built package
    const entry = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js";
    const workerData: WorkerData = { files: travelling().files };
    const worker = new Worker(new URL(entry, import.meta.url), { workerData });
    const member: Member = { worker, tasks: new Map() };
    worker.unref();
    worker.on("message", (answer: Answer) => finish(member, answer));
    worker.on("error", (error) => lose(member, new WorkerCrash(reasonOf(error), error)));
    worker.on("exit", (code) => lose(member, new WorkerCrash(`it ended with code ${code}`)));
    return member;
  }

  function finish(member: Member, answer: Answer): void {
    const waiting = member.tasks.get(answer.task);
    member.tasks.delete(answer.task);
    if (member.tasks.size === 0) member.worker.unref(); // an idle worker keeps no process alive
    if ("features" in answer) waiting?.resolve({ features: answer.features, kind: answer.kind });
    else {
      const { message, code } = answer.error;
      const error = code ? new OcelliError(code, message) : new Error(message);
      if (answer.isProblem && error instanceof OcelliError) waiting?.resolve({ problem: error });
      else waiting?.reject(error);
    }
  }

  /** Gives a worker up that has ended; the next example starts another. */
  function lose(member: Member, error: Error): void {
    const at = members.indexOf(member);
    if (at >= 0) members.splice(at, 1);
    for (const { reject } of member.tasks.values()) reject(error);
    member.tasks.clear();
  }

  async function turn(): Promise<void> {
    if (taken === size * IN_HAND) await new Promise<void>((resolve) => queue.push(resolve));
    else taken++;
  }

  function release(): void {
    const next = queue.shift();
    if (next) next();
    else taken--;
  }

  function send(text: string, { features, ...raw }: RawExample): Promise<Prepared> {
    if (isDisposed) return Promise.reject(ended());
    if (members.length < size) members.push(start());
    const member = members.reduce((a, b) => (b.tasks.size < a.tasks.size ? b : a));
    const copies = Object.entries(features).map(
      ([name, array]) => [name, { ...array, data: array.data.slice() }] as const,
    ); // of its own, to be handed over: a source may keep what it gave
    const task: Task = { task: tasks++, text, features: Object.fromEntries(copies), ...raw };
    return new Promise((resolve, reject) => {
      if (member.tasks.size === 0) member.worker.ref();
      member.tasks.set(task.task, { resolve, reject });
      const buffers = copies.map(([, { data }]) => data.buffer as ArrayBuffer);
      member.worker.postMessage(task, buffers);
    });
  }

  return {
    size,
    async prepare(text, read) {
      await turn();
      try {
        return await send(text, await read());
      } finally {
        release();
      }
    },
    [Symbol.dispose]() {
      isDisposed = true;
      for (const member of [...members]) {
        lose(member, ended());
        void member.worker.terminate();
      }
      queue.splice(0).forEach((go) => go());
    },
  };
}
