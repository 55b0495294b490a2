/** @file `ocelli serve`: a model at an address of this machine, until it is closed. */

import { OcelliError } from "../errors.ts";
import { isLocal } from "../http/headers.ts";
import { listen } from "../http/listen.ts";
import type { OpenModelOptions } from "../served/open.ts";
import { createApp } from "./app.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { Metrics } from "./metrics.ts";
import { openRequestModel, warmUp } from "./model.ts";

/** Options of {@link serveModel}. */
export interface ServeOptions extends OpenModelOptions {
  /** Default: 127.0.0.1, this machine alone. */
  readonly host?: string;
  /** 0 takes any free one. Default: 6465. */
  readonly port?: number;
  /** What requests must have as `Authorization: Bearer TOKEN`; needed where others than this machine can reach the host. */
  readonly token?: string;
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
 * Serves a model over HTTP: POST a picture to `/predict`, `/embed` or `/explain`. Pictures that arrive together are
 * computed together. Nothing is written to disk.
 *
 * @throws an argument error where the host is not this machine alone and there is no token
 * @example
 * const server = await serveModel("runs/quickstart", { port: 8080 });
 * await server.close();
 */
export async function serveModel(
  spec: string,
  { host = "127.0.0.1", port = 6465, token, onFault, ...options }: ServeOptions = {},
): Promise<ServedAddress> {
  if (!isLocal(host) && token === undefined) {
    throw new OcelliError("argument", `${host} can be reached from other machines.`, {
      hint: "Give a --token, or set OCELLI_TOKEN; or leave the host at 127.0.0.1.",
    });
  }
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
  const metrics = new Metrics();
  let warm = false;
  const model = await openRequestModel(spec, limits, options, (size) => {
    if (warm) metrics.batch(size);
  });
  metrics.waiting = () => model.waiting;
  let stopping = false;
  try {
    if (model.offers.predict) await warmUp(model, await greyPicture(), limits.batch);
    warm = true;
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

/** A picture to warm up with. */
async function greyPicture(): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  const background = { r: 128, g: 128, b: 128 };
  return sharp({ create: { width: 64, height: 64, channels: 3, background } })
    .png()
    .toBuffer();
}
