/** @file `ocelli serve`: a model at an address of this machine, until it is closed. */

import { OcelliError } from "../errors.ts";
import { isLocal } from "../http/headers.ts";
import { importOptional } from "../packages/peers.ts";
import type { OpenModelOptions } from "../served/open.ts";
import { type Limits, completeLimits } from "./limits.ts";
import { Metrics } from "./metrics.ts";
import { openRequestModel } from "./model.ts";

/** Options of {@link serveModel}. */
export interface ServeOptions extends OpenModelOptions {
  /** Default: 127.0.0.1, this machine alone. */
  readonly host?: string;
  /** 0 takes any free one. Default: 6465. */
  readonly port?: number;
  /** What requests must have as `Authorization: Bearer TOKEN`; needed where others than this machine can reach the host. */
  readonly token?: string;
  /** An index of the model's, as `ocelli search index` makes it, whose pictures `/search` finds. */
  readonly index?: string;
  /** What is left out has the default of {@link Limits}. */
  readonly limits?: Partial<Limits>;
  /** Hears of faults of the server, which requests are not told. */
  readonly onFault?: (error: unknown) => void;
}

/** A model that is being served. */
export interface ServedAddress {
  readonly url: string;
  /** What computes, in one line. */
  readonly engine: string;
  /** Answers what is on its way, takes no more, and gives up the model. */
  close(): Promise<void>;
}

/**
 * Serves a model over HTTP: POST a picture to `/predict`, `/embed` or `/explain`, to a model of images and
 * texts also to `/classify` and, with an index, `/search`. Pictures that arrive together are
 * computed together. Nothing is written to disk.
 *
 * @throws an argument error where the host is not this machine alone and there is no token, for a token that no request can
 * send, and for a limit that is not possible; an unsupported error where `hono` or `@hono/node-server` is not installed
 * @example
 * const server = await serveModel("runs/quickstart", { port: 8080 });
 * await server.close();
 */
export async function serveModel(
  spec: string,
  { host = "127.0.0.1", port = 6465, token, onFault, ...options }: ServeOptions = {},
): Promise<ServedAddress> {
  checkToken(token);
  if (!isLocal(host) && token === undefined) {
    throw new OcelliError("argument", `${host} can be reached from other machines.`, {
      hint: "Give a --token, or set OCELLI_TOKEN; or leave the host at 127.0.0.1.",
    });
  }
  const limits = completeLimits(options.limits);
  const { createApp, listen } = await importOptional(loadHttp);
  const metrics = new Metrics();
  const model = await openRequestModel(spec, limits, options, (size) => metrics.batch(size));
  metrics.waiting = () => model.waiting;
  let stopping = false;
  try {
    await model.warmUp();
    const app = createApp(model, {
      ...{ limits, host, metrics },
      ...(token !== undefined && { token }),
      stopping: () => stopping,
      onFault: onFault ?? ((error) => console.error(error)),
    });
    const { server, url } = await listen(app.fetch, { host, port });
    server.requestTimeout = limits.time; // a body that does not come
    server.headersTimeout = limits.time;
    return {
      url,
      engine: model.engine,
      async close() {
        stopping = true;
        // what was sent before is still on its way: a connection that is closed at once would lose it
        await new Promise((resolve) => setTimeout(resolve, GRACE));
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        const late = setTimeout(() => server.closeAllConnections(), limits.time);
        await closed;
        clearTimeout(late);
        await model.dispose();
      },
    };
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

/** Milliseconds for which requests are still taken once the server is to end. */
const GRACE = 300;

/** The parts that need optional packages: who imports `ocelli` without them must not load these. */
async function loadHttp() {
  const [{ createApp }, { listen }] = await Promise.all([
    import("./app.ts"),
    import("../http/listen.ts"),
  ]);
  return { createApp, listen };
}

/** An error for a token that no request can send, or that one without a token would equal. */
function checkToken(token: string | undefined): void {
  if (token === undefined || /^[!-~]+$/.test(token)) return;
  const problem =
    token === "" ? "the token is empty" : "the token has characters that no header can hold";
  throw new OcelliError("argument", `${problem}.`, {
    hint: "Valid are ASCII letters, digits and signs, without spaces.",
  });
}
