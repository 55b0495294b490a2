/** @file A worker as an object of promises: the page's side of a protocol of requests and answers. */

/** What a worker posts: an answer or an error to a request, or news `N` that nobody asked for. */
type Reply<A, N> =
  | { readonly id: number; readonly answer: A[keyof A] }
  | { readonly id: number; readonly error: string }
  | N;

type Of<Q, K> = Omit<Extract<Q, { kind: K }>, "kind">;

/** Requests `Q`, told apart by `kind`, whose answers are `A` by kind. */
export class WorkerClient<
  Q extends { readonly kind: string },
  A extends Record<Q["kind"], object>,
  N extends object = never,
> {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<never>>();
  #next = 0;

  constructor(worker: Worker, onNews: (news: N) => void) {
    this.#worker = worker;
    worker.addEventListener("message", ({ data }: MessageEvent<Reply<A, N>>) => {
      if (!("id" in data)) return onNews(data);
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("error" in data) waiting?.reject(new Error(data.error));
      else waiting?.resolve(data.answer as never);
    });
    worker.addEventListener("error", ({ message }) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(message || "the worker cannot start."));
      this.#waiting.clear();
    });
  }

  /** Asks the worker; pictures are handed over, not copied. */
  ask<K extends Q["kind"]>(kind: K, what: Of<Q, K>): Promise<A[K]> {
    const id = this.#next++;
    const waiting = Promise.withResolvers<never>();
    this.#waiting.set(id, waiting);
    const transfer = "bitmap" in what ? [what.bitmap as ImageBitmap] : [];
    this.#worker.postMessage({ id, kind, ...what }, transfer);
    return waiting.promise;
  }
}
