/** @file Runs in order: one at a time, with reads placed right behind the run they wait for. */

/** A queued piece of work and what is to happen as soon as it has ended, before the next one starts. */
export interface Job {
  readonly promise: Promise<void>;
  /** Calls back once, synchronously at the job's end, with its error or undefined. */
  onEnd(callback: (error: unknown) => void): void;
}

interface QueuedJob extends Job {
  start(): void;
}

/** A first-in-first-out queue of asynchronous work; a failed job does not stop the next. */
export class RunQueue {
  readonly #waiting: QueuedJob[] = [];
  #running: QueuedJob | undefined;

  /** Adds work behind everything queued; starts it at once where nothing is. */
  add(work: () => Promise<void>): Job {
    const job = this.#job(work);
    this.#waiting.push(job);
    if (!this.#running) this.#next();
    return job;
  }

  /** Adds work before everything that waits: behind what runs now, or has just ended. */
  addFirst(work: () => Promise<void>): Job {
    const job = this.#job(work);
    this.#waiting.unshift(job);
    if (!this.#running) this.#next();
    return job;
  }

  #job(work: () => Promise<void>): QueuedJob {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const callbacks: ((error: unknown) => void)[] = [];
    const end = (error: unknown): void => {
      for (const callback of callbacks) callback(error);
      if (error === undefined) resolve();
      else reject(error as Error);
      this.#running = undefined;
      this.#next();
    };
    return {
      promise,
      onEnd: (callback) => void callbacks.push(callback),
      start: () => {
        let started: Promise<void>;
        try {
          started = work();
        } catch (error) {
          started = Promise.reject(error as Error);
        }
        started.then(() => end(undefined), end);
      },
    };
  }

  #next(): void {
    this.#running = this.#waiting.shift();
    this.#running?.start();
  }

  /** Resolves when everything queued up to now has ended, well or not. */
  idle(): Promise<void> {
    const last = this.#waiting.at(-1) ?? this.#running;
    return last ? last.promise.catch(() => {}) : Promise.resolve();
  }
}
