/** @file Who may make the page's server work: the page itself, and no other page that a browser shows. */

import { randomBytes, timingSafeEqual } from "node:crypto";
import type { Context } from "hono";

/** The header with which the page shows that it has read itself. */
const TOKEN_HEADER = "X-Ocelli-Token";

/** What in the page's HTML stands for the token. */
const PLACE = "OCELLI-TOKEN";

/** The check of requests that change or compute something. */
export interface Guard {
  /** The page's HTML with the token, which no page from elsewhere can read. */
  page(html: string): string;
  /** Why a request is refused; undefined where it is the page's own. */
  refusal(context: Context): string | undefined;
}

/** A guard with a token of its own, new with every server. */
export function createGuard(): Guard {
  const token = randomBytes(24).toString("base64url");
  return {
    page: (html) => html.replace(PLACE, token),
    refusal({ req }) {
      const { host } = new URL(req.url);
      const origin = req.header("Origin");
      if (origin !== `http://${host}`) return "this is only for the page itself";
      if (!/^application\/json\b/.test(req.header("Content-Type") ?? "")) return "send JSON";
      const given = Buffer.from(req.header(TOKEN_HEADER) ?? "");
      const right = Buffer.from(token);
      const isRight = given.length === right.length && timingSafeEqual(given, right);
      return isRight ? undefined : "this page is of another server; load it again";
    },
  };
}
