/** @file What the page asks for, and the answers. Runs are asked for by name, pictures by name: never by path. */

import { join } from "node:path";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { OcelliError } from "../errors.ts";
import { readOwn } from "../files.ts";
import { createGuard } from "../http/guard.ts";
import { REPORT_HEADERS } from "../http/headers.ts";
import { type Condition, matches, parseQuery } from "../runs/list-query.ts";
import type { RunCard, RunSummary, RunView } from "../runs/read.ts";
import { renderReport } from "../runs/report.ts";
import { namedMistakes, readPredictions } from "../runs/report/classification/predictions.ts";
import { readAnswers } from "../runs/report/material.ts";
import type { PageFiles } from "./page-files.ts";
import { addPictureRoutes } from "./pictures/routes.ts";
import { type Trainings, addTrainingRoutes } from "./trainings/routes.ts";
import type { RunWatcher } from "./watcher.ts";

/** What a page is served with. */
export interface AppOptions {
  /** The address that it listens at. */
  readonly host: string;
  /** What trainings are started with; none where absent. */
  readonly trainings?: Trainings;
}

/** Bytes of a question's body. */
const LARGEST = 256 * 1024;

/** The page's program over HTTP. */
export interface App {
  readonly fetch: Hono["fetch"];
  /** How many of the trainings that were started still run. */
  going(): number;
  /** Stops the trainings that were started, waits for their end, and gives up the models that are held. */
  close(): Promise<void>;
}

/** The page's program over HTTP. */
export function createApp(
  watcher: RunWatcher,
  page: PageFiles,
  { host, trainings }: AppOptions,
): App {
  const app = new Hono();
  const guard = createGuard(host);
  app.use(async (context, next) => {
    const refusal = guard.refusal(context.req.raw);
    return refusal === undefined ? next() : context.text(refusal, 403);
  });
  const onError = (context: Context) => context.text("the question is too long", 413);
  app.use(bodyLimit({ maxSize: LARGEST, onError }));
  app.onError((error, context) => {
    const why = error instanceof OcelliError ? error.message : "it cannot be read";
    return context.text(`this cannot be shown: ${why}`, 500);
  });
  app.get("/", (context) => context.html(guard.page(page.html)));
  app.get("/page.js", (context) =>
    context.body(page.script, 200, { "Content-Type": "text/javascript; charset=utf-8" }),
  );
  app.get("/page.css", (context) =>
    context.body(page.style, 200, { "Content-Type": "text/css; charset=utf-8" }),
  );
  app.get("/api/runs", async (context) => {
    const { version, runs } = await watcher.runs();
    const { dir } = watcher;
    if (version === Number(context.req.query("since"))) return context.json({ dir, version });
    return context.json({ dir, version, runs: runs.map(cardOf) });
  });
  app.get("/api/search", async (context) => {
    const { runs } = await watcher.runs();
    let conditions: readonly Condition[];
    try {
      conditions = parseQuery(context.req.query("q") ?? "");
    } catch (error) {
      if (!(error instanceof OcelliError)) throw error;
      return context.json({ names: [], mistake: error.message });
    }
    const found = runs.filter((run) => matches(run, conditions));
    return context.json({ names: found.map(({ name }) => name) });
  });
  app.get("/api/run", async (context) => {
    const run = await watcher.run(context.req.query("run") ?? "");
    return run ? context.json(viewOf(run)) : context.text("no such run", 404);
  });
  app.get("/api/curves", (context) =>
    withRun(context, watcher, async (folder) => {
      const since = Number(context.req.query("since") ?? -1);
      return context.json(await watcher.curves(folder, since));
    }),
  );
  app.get("/api/pictures", (context) =>
    withRun(context, watcher, async (folder) => {
      const [predictions, answers, augmented] = await Promise.all([
        readPredictions(folder),
        readAnswers(folder),
        watcher.pictures(folder),
      ]);
      const mistakes = predictions ? namedMistakes(predictions) : [];
      return context.json({ mistakes, answers, augmented });
    }),
  );
  app.get("/api/picture", (context) =>
    withRun(context, watcher, async (folder) => {
      const file = context.req.query("file") ?? "";
      if (!(await watcher.pictures(folder)).includes(file)) return context.text("no picture", 404);
      const bytes = await readOwn(join(folder, "augmented", file)).catch(() => undefined);
      if (!bytes) return context.text("no picture", 404);
      return context.body(new Uint8Array(bytes), 200, { "Content-Type": "image/png" });
    }),
  );
  app.get("/report", (context) =>
    withRun(context, watcher, async (folder) =>
      context.html(await renderReport(folder), 200, REPORT_HEADERS),
    ),
  );
  const launcher = addTrainingRoutes(app, trainings, { dir: watcher.dir, host });
  const giveUp = addPictureRoutes(app, watcher, host);
  return {
    fetch: app.fetch,
    going: () => launcher?.going ?? 0,
    async close() {
      await launcher?.close();
      await giveUp();
    },
  };
}

async function withRun(
  context: Context,
  watcher: RunWatcher,
  answer: (folder: string) => Promise<Response>,
): Promise<Response> {
  const folder = await watcher.folder(context.req.query("run") ?? "");
  return folder === undefined ? context.text("no such run", 404) : answer(folder);
}

/** A run without where it lies. */
const viewOf = ({ folder: _, ...run }: RunSummary): RunView => run;

/** The same without all that it measured and was made with. */
const cardOf = ({ folder: _, values: __, config: ___, ...card }: RunSummary): RunCard => card;
