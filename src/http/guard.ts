/** @file Who may ask a local server to change something: its own page alone. */

import { createHash, timingSafeEqual } from "node:crypto";
import { isLocal } from "./headers.ts";

/** The header that a page's own requests bear the token in. */
const TOKEN_HEADER = "x-ocelli-token";

/**
 * Why a request is refused; undefined for one that is not. A page elsewhere reaches this machine by a name that resolves to
 * it, which the host tells, or by a request to the address, which its origin and the token tell.
 *
 * @param token what a request that changes something must have
 */
export function refusalOf(
  { method, url, headers }: Pick<Request, "method" | "url" | "headers">,
  token: string,
): string | undefined {
  const { hostname, origin } = new URL(url);
  if (!isLocal(hostname)) return "unknown host";
  if (method === "GET" || method === "HEAD") return undefined;
  if (headers.get("origin") !== origin) return "unknown origin";
  return isSame(headers.get(TOKEN_HEADER) ?? "", token) ? undefined : "the page is an old one";
}

/** Whether two texts are the same; takes as long whatever they are. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
