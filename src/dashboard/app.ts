/** @file What the page asks for, and the answers. Runs are asked for by name, pictures by name: never by path. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Context, Hono } from "hono";
import type { RunView } from "../runs/read.ts";
import { renderReport } from "../runs/report.ts";
import { readPredictions } from "../runs/report/material.ts";
import type { PageFiles } from "./page-files.ts";
import type { RunWatcher } from "./watcher.ts";

const POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

const LOCAL = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** The page's program over HTTP; `host` is the address that it listens at. */
export function createApp(watcher: RunWatcher, page: PageFiles, host: string): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    // A page elsewhere must not reach this one by a name that resolves to this machine.
    const { hostname } = new URL(context.req.url);
    if (isLocal(host) && !isLocal(hostname)) return context.text("unknown host", 403);
    await next();
    context.header("X-Content-Type-Options", "nosniff");
    context.header("Referrer-Policy", "no-referrer");
    context.header("Cache-Control", "no-store");
    if (!context.res.headers.has("Content-Security-Policy")) {
      context.header("Content-Security-Policy", POLICY);
    }
  });
  app.get("/", (context) => context.html(page.html));
  app.get("/page.js", (context) =>
    context.body(page.script, 200, { "Content-Type": "text/javascript; charset=utf-8" }),
  );
  app.get("/page.css", (context) =>
    context.body(page.style, 200, { "Content-Type": "text/css; charset=utf-8" }),
  );
  app.get("/api/runs", async (context) => {
    const runs = await watcher.runs();
    const shown: RunView[] = runs.map(({ folder: _, ...run }) => run);
    return context.json({ dir: watcher.dir, runs: shown });
  });
  app.get("/api/curves", (context) =>
    withRun(context, watcher, async (folder) => {
      const since = Number(context.req.query("since") ?? -1);
      return context.json(await watcher.curves(folder, since));
    }),
  );
  app.get("/api/pictures", (context) =>
    withRun(context, watcher, async (folder) => {
      const [predictions, augmented] = await Promise.all([
        readPredictions(folder),
        watcher.pictures(folder),
      ]);
      const { classes = [], mistakes = [] } = predictions ?? {};
      return context.json({ classes, mistakes, augmented });
    }),
  );
  app.get("/api/picture", (context) =>
    withRun(context, watcher, async (folder) => {
      const file = context.req.query("file") ?? "";
      if (!(await watcher.pictures(folder)).includes(file)) return context.text("no picture", 404);
      const bytes = await readFile(join(folder, "augmented", file));
      return context.body(new Uint8Array(bytes), 200, { "Content-Type": "image/png" });
    }),
  );
  app.get("/report", (context) =>
    withRun(context, watcher, async (folder) => {
      const policy =
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
      return context.html(await renderReport(folder), 200, { "Content-Security-Policy": policy });
    }),
  );
  return app;
}

const isLocal = (host: string): boolean => LOCAL.has(host) || host === "::1";

async function withRun(
  context: Context,
  watcher: RunWatcher,
  answer: (folder: string) => Promise<Response>,
): Promise<Response> {
  const folder = await watcher.folder(context.req.query("run") ?? "");
  return folder === undefined ? context.text("no such run", 404) : answer(folder);
}
