/** @file What computes, beside the page. */

import { WorkerClient } from "../../page/worker-client.ts";
import type { Answers, News, Request } from "./protocol.ts";

/** The worker that takes pictures in and teaches heads. */
export class Learner extends WorkerClient<Request, Answers, News> {
  /** @param onProgress hears how much of the model has come, from 0 to 1 */
  constructor(onProgress: (part: number) => void) {
    super(new Worker(new URL("worker.js", import.meta.url), { type: "module" }), ({ progress }) =>
      onProgress(progress),
    );
  }
}
