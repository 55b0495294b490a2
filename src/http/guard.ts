/** @file Who may ask a local server: its own page, and no other page that a browser shows. */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { isServed } from "./headers.ts";

/** The header in which a page's own requests carry the token. */
const TOKEN_HEADER = "x-ocelli-token";
/** What stands for the token in a page's HTML. */
const PLACE = "OCELLI-TOKEN";

type Asked = Pick<Request, "method" | "url" | "headers">;

/** The check of every request to a page's server. */
export interface Guard {
  /** The page's HTML with the token, which no page from elsewhere can read. */
  page(html: string): string;
  /** Why a request is refused; undefined where it is not. */
  refusal(request: Asked): string | undefined;
}

/**
 * A guard with a new token. It refuses requests by a name that somebody else made resolve to this machine, requests that another page makes, and
 * whatever changes or computes something (any method but GET and HEAD) unless the page itself sends it: as JSON, from its own
 * origin, with the token.
 *
 * @param host where the server listens
 */
export function createGuard(host: string): Guard {
  const token = randomBytes(24).toString("base64url");
  return {
    page: (html) => html.replace(PLACE, token),
    refusal(request) {
      const { method, url, headers } = request;
      const { hostname, origin } = new URL(url);
      if (!isServed(hostname, host)) return "unknown host";
      if (isFromElsewhere(request)) return "another page asks for this";
      if (method === "GET" || method === "HEAD") return undefined;
      if (headers.get("origin") !== origin) return "this is only for the page itself";
      if (!/^application\/json\b/.test(headers.get("content-type") ?? "")) return "send JSON";
      const isRight = isSame(headers.get(TOKEN_HEADER) ?? "", token);
      return isRight ? undefined : "this page is of another server; load it again";
    },
  };
}

/**
 * Whether a browser says that a page of another origin sends a request, such as one for an image of its own. Opening a page
 * by a link is none; programs that are no browsers do not say it.
 *
 * @see https://www.w3.org/TR/fetch-metadata/
 */
export function isFromElsewhere({ method, headers }: Pick<Request, "method" | "headers">): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== "cross-site" && site !== "same-site") return false; // another port is of the same site
  const isOpened =
    headers.get("sec-fetch-mode") === "navigate" && headers.get("sec-fetch-dest") === "document";
  return !(method === "GET" && isOpened);
}

/** Whether two texts are the same; takes as long whatever they are. */
export function isSame(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
