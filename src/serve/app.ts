/** @file A model over HTTP: what can be asked for, and the answers as JSON. */

import { type Context, Hono } from "hono";
import { unknownName } from "../errors.ts";
import { SCALE } from "../explain/overlay.ts";
import { isFromElsewhere, isSame } from "../http/guard.ts";
import { isLocal } from "../http/headers.ts";
import { answerJson } from "../tasks/index.ts";
import { pictureOf } from "./body.ts";
import { describeApi } from "./describe.ts";
import type { Limits } from "./limits.ts";
import type { Metrics } from "./metrics.ts";
import type { RequestModel } from "./model.ts";
import { PAGE, SCRIPT } from "./page.ts";
import { Refusal, TooBusy, TooLate } from "./refusals.ts";

/** What the app is made of. */
export interface AppOptions {
  readonly limits: Limits;
  /** The host that it listens at. */
  readonly host: string;
  /** What a request must have as `Authorization: Bearer TOKEN`; nothing where absent. */
  readonly token?: string;
  readonly metrics: Metrics;
  /** Whether the server is about to end: health says so, and connections are not kept. */
  readonly stopping: () => boolean;
  /** Hears of faults of the server. */
  readonly onFault: (error: unknown) => void;
}

/** Names of an answer where a request does not say how many. */
const TOP = 5;

/** The routes that compute. */
const ROUTES = ["predict", "embed", "explain", "classify", "search"] as const;
/** Paths by what they take. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  POST: ROUTES.map((route) => `/${route}`),
  GET: ["/", "/page.js", "/health", "/metrics", "/openapi.json"],
};

/** The program over HTTP. */
export function createApp(model: RequestModel, options: AppOptions): Hono {
  const { limits, host, token, metrics, stopping, onFault } = options;
  const app = new Hono();
  let open = 0; // requests whose work has not ended, though their answers may have

  app.use(async (context, next) => {
    // A page elsewhere must not reach this one by a name that resolves to this machine.
    const { hostname } = new URL(context.req.url);
    if (isLocal(host) && !isLocal(hostname)) throw new Refusal(403, "unknown host");
    // It could not read the answer, but it could keep the model busy.
    if (isFromElsewhere(context.req.raw)) throw new Refusal(403, "another page asks for this");
    await next();
    if (stopping()) context.header("Connection", "close");
  });
  app.onError((error, context) => refused(context, error, onFault));
  app.notFound((context) => {
    const { pathname } = new URL(context.req.url);
    const [takes] = Object.keys(PATHS).filter((method) => PATHS[method].includes(pathname));
    if (takes !== undefined) context.header("Allow", takes);
    const refusal =
      takes === undefined
        ? new Refusal(404, `there is no ${pathname.slice(0, 100)}; see /openapi.json`)
        : new Refusal(405, `${pathname} takes ${takes}`);
    return refused(context, refusal, onFault);
  });
  app.get("/health", (context) =>
    stopping() ? context.json({ status: "stopping" }, 503) : context.json({ status: "ok" }),
  );
  app.get("/", (context) => context.html(PAGE));
  app.get("/page.js", (context) =>
    context.body(SCRIPT, 200, { "Content-Type": "text/javascript; charset=utf-8" }),
  );
  app.get("/openapi.json", (context) =>
    context.json(describeApi(model, limits, token !== undefined)),
  );
  app.use(async (context, next) => {
    if (token !== undefined && !hasToken(context, token)) {
      context.header("WWW-Authenticate", "Bearer");
      throw new Refusal(401, "a token is needed: Authorization: Bearer TOKEN");
    }
    await next();
  });
  app.get("/metrics", (context) =>
    context.body(metrics.text(), 200, {
      "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
    }),
  );

  /** A route that computes, what its query may say, and its answer for a picture. */
  function route(
    name: (typeof ROUTES)[number],
    parameters: readonly string[],
    answer: (file: Uint8Array, isLate: () => boolean, query: Query) => Promise<object>,
  ): void {
    const work = async (context: Context, begun: number): Promise<object> => {
      const query = queryOf(context, parameters);
      if (open >= limits.queue) throw new TooBusy();
      open++;
      try {
        const { req } = context;
        const isOptional = name === "search" && req.query("text") !== undefined;
        const reading = pictureOf(req.raw, limits.bytes, isOptional);
        return await answer(
          await inTime(reading, limits.time),
          () => performance.now() - begun > limits.time,
          query,
        );
      } finally {
        open--;
      }
    };
    app.post(`/${name}`, async (context) => {
      const begun = performance.now();
      let status = 200;
      try {
        return context.json(await inTime(work(context, begun), limits.time));
      } catch (error) {
        const response = refused(context, error, onFault);
        status = response.status;
        return response;
      } finally {
        metrics.request(`/${name}`, status, (performance.now() - begun) / 1000);
      }
    });
  }

  route("predict", ["top"], async (file, isLate, { top }) =>
    answerJson(await model.predict(file, isLate), top),
  );
  route("embed", [], async (file, isLate) => ({
    features: [...(await model.embed(file, isLate)).data],
  }));
  route("explain", ["top", "class"], async (file, isLate, { top, wanted }) => {
    const { pictures, original, ranked, ...found } = await model.explain(file, isLate, wanted);
    const pngs = { original: dataUrl(original), picture: dataUrl(pictures[0]), scale: SCALE };
    return { ...found, ranked: ranked.slice(0, top), ...pngs };
  });
  route(
    "classify",
    ["top", "labels", "template"],
    async (file, isLate, { top, labels, templates }) => ({
      kind: "ranked",
      ranked: (await model.classify(file, isLate, labels, templates)).slice(0, top),
    }),
  );
  route("search", ["top", "text"], async (file, isLate, { top, text }) => ({
    hits: await model.search({ text, file: file.length > 0 ? file : undefined }, isLate, top),
  }));
  return app;
}

const dataUrl = (png: Uint8Array): string =>
  `data:image/png;base64,${Buffer.from(png).toString("base64")}`;

/** The answer to a request that gets none. */
function refused(context: Context, error: unknown, onFault: (error: unknown) => void): Response {
  if (!(error instanceof Refusal)) {
    onFault(error);
    return context.json({ error: "the server failed; its log says why" }, 500);
  }
  if (error.status === 503) context.header("Retry-After", "1");
  return context.json({ error: error.message }, error.status);
}

/** What a request asks for beside its picture. */
interface Query {
  /** How many names. */
  readonly top: number;
  /** A class by its name. */
  readonly wanted: string | undefined;
  /** Labels, and the sentences that each is put into. */
  readonly labels: readonly string[];
  readonly templates: readonly string[];
  /** Words to search for. */
  readonly text: string | undefined;
}

/** A request's query; a refusal where it says what the route does not know. */
function queryOf(context: Context, parameters: readonly string[]): Query {
  const query = context.req.query();
  for (const name of Object.keys(query)) {
    if (parameters.includes(name)) continue;
    throw new Refusal(400, unknownName("parameter", name, parameters).message);
  }
  const top = query.top === undefined ? TOP : Number(query.top);
  if (Number.isSafeInteger(top) && top > 0) {
    const labels = query.labels?.split(",").map((label) => label.trim()) ?? [];
    const templates = context.req.queries("template") ?? [];
    return { top, wanted: query.class, labels, templates, text: query.text };
  }
  throw new Refusal(400, `top must be a whole number above 0, not ${query.top.slice(0, 40)}`);
}

/** Whether a request has the token; takes as long whatever it has. */
function hasToken(context: Context, token: string): boolean {
  const [, given = ""] = /^Bearer (.*)$/i.exec(context.req.header("authorization") ?? "") ?? [];
  return isSame(given, token);
}

/** What work gives within some milliseconds; a refusal where it takes longer. */
async function inTime<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TooLate()), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined); // of an answer that comes too late
  }
}
