/** @file Files over HTTP: ranges of bytes, tried again where the network or the server stumbles. */

import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout } from "node:timers/promises";
import { OcelliError } from "../../errors.ts";
import { concatBytes } from "../../formats/bytes.ts";
import type { ByteFile } from "./random-access.ts";

/** Whether a path is an http or https address. */
export const isUrl = (path: string): boolean => /^https?:\/\//i.test(path);

/** Why no address may be asked for in the work under way. */
const refused = new AsyncLocalStorage<string>();

/**
 * Does work, with all that it awaits, in which a file at an address is a data error that says why: what names the files may
 * come from somebody else.
 */
export const withoutNetwork = <T>(why: string, work: () => T): T => refused.run(why, work);

/** How often and how patiently a request is tried. */
interface HttpOptions {
  /** Attempts in all. Default: 5. */
  readonly attempts?: number;
  /** Seconds before the second attempt; each later pause is twice as long. Default: 0.25. */
  readonly pause?: number;
  /** Seconds an attempt may take. Default: 60. */
  readonly timeout?: number;
}

/** Statuses that may pass: too early, too many requests, and what servers and gateways say in trouble. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Opens an address for reading ranges.
 *
 * @throws a data error that names the address where there is no such file, the server does not answer range requests,
 *   the file changed meanwhile, or every attempt failed
 */
export async function openUrl(url: string, options: HttpOptions = {}): Promise<ByteFile> {
  const { size, version } = await attempt(url, options, async (signal) => {
    const answer = await fetch(url, { headers: { Range: "bytes=0-0" }, signal });
    await answer.body?.cancel();
    return { size: totalSize(url, answer), version: versionOf(answer) };
  });
  return {
    name: url,
    size,
    piece: 1 << 20,
    read(begin, end) {
      if (begin === end) return Promise.resolve(new Uint8Array());
      return attempt(url, options, async (signal) => {
        const answer = await fetch(url, {
          headers: { Range: `bytes=${begin}-${end - 1}` },
          signal,
        });
        if (answer.status !== 206 || versionOf(answer) !== version) {
          await answer.body?.cancel();
          checkStatus(url, answer);
          throw new OcelliError("data", `${url} has changed since it was opened.`);
        }
        return readBody(url, answer, end - begin);
      });
    },
  };
}

/**
 * A whole file of at most `most` bytes, from any server.
 *
 * @throws a data error that names the address where it cannot be read or is larger
 */
export const fetchWhole = (
  url: string,
  most: number,
  options: HttpOptions = {},
): Promise<Uint8Array> =>
  attempt(url, options, async (signal) => {
    const answer = await fetch(url, { signal });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      checkStatus(url, answer);
    }
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body ?? []) {
      const piece = chunk as Uint8Array;
      if ((size += piece.length) > most) {
        throw new OcelliError("data", `${url} has more than ${most} bytes.`);
      }
      pieces.push(piece);
    }
    return concatBytes(pieces);
  });

/** What tells one version of a file from the next. */
const versionOf = ({ headers }: Response): string =>
  headers.get("etag") ?? headers.get("last-modified") ?? "";

/** The file's size, from the answer to a request for its first byte. */
function totalSize(url: string, answer: Response): number {
  const total = /^bytes (?:\d+-\d+|\*)\/(\d+)$/.exec(
    answer.headers.get("content-range") ?? "",
  )?.[1];
  if (answer.status === 416 && total === "0") return 0;
  checkStatus(url, answer);
  if (total === undefined || !Number.isSafeInteger(Number(total))) {
    throw new OcelliError("data", `${url}: the server does not say how large the file is.`);
  }
  return Number(total);
}

/** An error unless the answer holds the range that was asked for. */
function checkStatus(url: string, { status }: Response): void {
  if (status === 206) return;
  if (PASSING.has(status)) throw new Error(`the server answers ${status}`);
  if (status === 200) {
    throw new OcelliError("data", `${url}: the server does not answer range requests.`, {
      hint: "Download the file, or serve it with one that does.",
    });
  }
  const problem = status === 404 ? "there is no such file" : `the server answers ${status}`;
  throw new OcelliError("data", `cannot read ${url}: ${problem}.`);
}

/** Exactly `size` bytes of an answer; more are refused as they come. */
async function readBody(url: string, answer: Response, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const chunk of answer.body ?? []) {
    const piece = chunk as Uint8Array;
    if (at + piece.length > size) {
      throw new OcelliError(
        "data",
        `${url}: the server sends more than the ${size} bytes asked for.`,
      );
    }
    bytes.set(piece, at);
    at += piece.length;
  }
  if (at < size) throw new Error(`the answer ends after ${at} of ${size} bytes`);
  return bytes;
}

/** What `request` gives, at the latest at the last attempt; our own errors are final. */
async function attempt<T>(
  url: string,
  { attempts = 5, pause = 0.25, timeout = 60 }: HttpOptions,
  request: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const hint = refused.getStore();
  if (hint !== undefined) throw new OcelliError("data", `${url} is not read.`, { hint });
  for (let count = 1; ; count++) {
    try {
      return await request(AbortSignal.timeout(timeout * 1000));
    } catch (error) {
      if (error instanceof OcelliError) throw error;
      if (count >= attempts) {
        const { message, cause } = error as Error;
        const reason = cause instanceof Error ? cause.message || message : message;
        const tried = `tried ${count} times`;
        throw new OcelliError("data", `cannot read ${url}: ${reason} (${tried}).`, {
          cause: error,
        });
      }
      await setTimeout(1000 * pause * 2 ** (count - 1));
    }
  }
}
