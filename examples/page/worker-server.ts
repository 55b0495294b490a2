/** @file The worker's side of a protocol of requests and answers; the page's is `worker-client.ts`. */

/** This side of the worker's channel. */
const channel = globalThis as unknown as {
  postMessage(message: object): void;
  addEventListener(
    type: "message",
    listen: (event: MessageEvent<{ readonly id: number }>) => void,
  ): void;
};

/** Posts what the page did not ask for. */
export const postNews = (news: object): void => channel.postMessage(news);

/** Answers one request after the other, in the order in which they come. */
export function answerInTurn<Q>(answer: (request: Q) => Promise<object>): void {
  let queue = Promise.resolve();
  channel.addEventListener("message", ({ data: request }) => {
    queue = queue.then(async () => {
      try {
        channel.postMessage({ id: request.id, answer: await answer(request as Q) });
      } catch (error) {
        channel.postMessage({ id: request.id, error: (error as Error).message });
      }
    });
  });
}
