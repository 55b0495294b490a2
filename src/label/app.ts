/** @file The page's program over HTTP: what is shown, and the actions. Pictures are asked for by row, never by path. */

import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { createGuard } from "../http/guard.ts";
import { PAGE, SCRIPT, STYLE } from "./page.ts";
import type { LabelSession } from "./session.ts";

/** What the app is made of. */
export interface LabelAppOptions {
  readonly session: LabelSession;
  /** Where it is served. */
  readonly host: string;
  /** What is labelled and where labels go, for the page. */
  readonly about: { readonly dir: string; readonly table: string; readonly model: string };
  /** A picture as a PNG file; undefined where there is none. */
  readonly picture: (row: number) => Promise<Uint8Array | undefined>;
}

const rows = z.array(z.int().nonnegative()).max(1000);
const action = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("label"), turn: z.int(), rows, name: z.string() }),
  z.strictObject({ do: z.literal("skip"), turn: z.int(), rows }),
  z.strictObject({ do: z.literal("undo"), turn: z.int() }),
]);

/** Bytes of an action. */
const ACTION_BYTES = 2 ** 16;

/** The page's program. */
// ts-unused-exports:disable-next-line
export function createApp({ session, host, about, picture }: LabelAppOptions): Hono {
  const app = new Hono();
  const guard = createGuard(host);
  app.use(async (context, next) => {
    const refusal = guard.refusal(context.req.raw);
    return refusal === undefined ? next() : context.json({ error: refusal }, 403);
  });
  app.onError((error, context) => {
    if (!(error instanceof OcelliError)) throw error;
    return context.json({ error: error.message }, error.code === "argument" ? 400 : 500);
  });
  app.get("/", (context) => context.html(guard.page(PAGE)));
  app.get("/page.js", (context) =>
    context.body(SCRIPT, 200, { "Content-Type": type("javascript") }),
  );
  app.get("/page.css", (context) => context.body(STYLE, 200, { "Content-Type": type("css") }));
  app.get("/picture/:row{[0-9]{1,9}}", async (context) => {
    const bytes = await picture(Number(context.req.param("row")));
    if (!bytes) return context.json({ error: "no such picture" }, 404);
    return context.body(new Uint8Array(bytes), 200, {
      ...{ "Content-Type": "image/png", "Cache-Control": "private, max-age=600" },
    });
  });
  app.get("/api/state", (context) => context.json({ about, ...session.view() }));
  app.post("/api/act", bodyLimit({ maxSize: ACTION_BYTES }), async (context) => {
    const parsed = action.safeParse(await context.req.json().catch(() => undefined));
    if (!parsed.success) return context.json({ error: z.prettifyError(parsed.error) }, 400);
    const wanted = parsed.data;
    return session.inTurn(async () => {
      // What was pressed twice, or in another tab, was of pictures that are no longer shown.
      if (wanted.turn === session.view().turn) {
        if (wanted.do === "label") await session.label(wanted.rows, wanted.name);
        else if (wanted.do === "skip") session.skip(wanted.rows);
        else await session.undo();
      }
      return context.json({ about, ...session.view() });
    });
  });
  return app;
}

const type = (kind: string): string => `text/${kind}; charset=utf-8`;
