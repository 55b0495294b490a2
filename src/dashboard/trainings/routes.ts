/** @file The page's form that starts and stops trainings, where the page is this machine's alone. */

import type { Context, Hono } from "hono";
import { OcelliError } from "../../errors.ts";
import { isLocal } from "../../http/headers.ts";
import { isObject } from "../../runs/read-config.ts";
import type { Recipe } from "./form.ts";
import { Launcher } from "./launcher.ts";

/** What trainings are started with. */
export interface Trainings {
  readonly recipes: readonly Recipe[];
  /** The file of the command line program. */
  readonly program: string;
}

/** Where the page is served. */
interface Place {
  readonly dir: string;
  readonly host: string;
}

/** Adds the routes; returns what starts and stops trainings, where the page may do so. */
export function addTrainingRoutes(
  app: Hono,
  trainings: Trainings | undefined,
  { dir, host }: Place,
): Launcher | undefined {
  const launcher = trainings && isLocal(host) ? new Launcher(dir, trainings.program) : undefined;
  const why = "trainings are started only where the page is this machine's alone";
  const form = async () => (await import("./form.ts")).describeForm(trainings!.recipes);
  app.get("/api/form", async (context) =>
    launcher ? context.json(await form()) : context.text(why, 403),
  );
  app.get("/api/trainings", (context) => context.json({ trainings: launcher?.list() ?? [] }));
  const post = (path: string, act: (launcher: Launcher, given: unknown) => Promise<void> | void) =>
    app.post(path, async (context) => {
      if (!launcher) return context.text(why, 403);
      return acted(context, async () =>
        act(launcher, await context.req.json().catch(() => undefined)),
      );
    });
  post("/api/start", async (started, given) => {
    const { readForm } = await import("./form.ts");
    const names = (await form()).recipes.map(({ name }) => name);
    await started.start(readForm(given, names));
  });
  post("/api/stop", (started, given) => {
    started.stop(isObject(given) && typeof given.run === "string" ? given.run : "");
  });
  return launcher;
}

async function acted(context: Context, act: () => Promise<void>): Promise<Response> {
  try {
    await act();
    return context.json({});
  } catch (error) {
    if (!(error instanceof OcelliError)) throw error;
    return context.text(error.message, 400);
  }
}
