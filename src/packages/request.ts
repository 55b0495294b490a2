/** @file Requests to package indexes, by way of the proxies, certificates and credentials that are configured for them. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { setTimeout } from "node:timers/promises";
import tls from "node:tls";

/** How an index is reached. */
export interface Access {
  /** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, as far as they are set. */
  readonly proxies: Readonly<Record<string, string | undefined>>;
  /** A file of certificates (PEM) that are trusted beside Node's and the system's. */
  readonly certificates?: string;
  /** Whether a host is taken without checking its certificate. */
  readonly trusts?: (url: URL) => boolean;
  /** The `Authorization` header for an address; none where there are no credentials for it. */
  readonly authorization?: (url: URL) => string | undefined;
}

/** An answer of an index other than success. */
export class RequestError extends Error {
  /** The HTTP status; absent where there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

const ATTEMPTS = 3;
const WAIT = 500;
/** Milliseconds without a byte after which a request has failed. */
const SILENCE = 60_000;
const MAX_REDIRECTS = 5;
/** More than any page of an index; the largest ones have a few thousand files. */
const MAX_TEXT = 1 << 26;

/** A text, and the address that it came from after redirects. */
export async function requestText(
  url: URL,
  access: Access,
  accept: string,
): Promise<{ text: string; url: URL; type: string }> {
  return withRetries(async () => {
    const { response, url: final } = await request(url, access, { accept });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of bodyOf(response, final)) {
      size += chunk.length;
      if (size > MAX_TEXT)
        throw new RequestError(`${show(final)} sends more than ${MAX_TEXT} bytes`);
      chunks.push(chunk);
    }
    const type = response.headers["content-type"] ?? "";
    return { text: Buffer.concat(chunks).toString("utf8"), url: final, type };
  });
}

/** Writes what an address sends into a new file; resolves to its digest in an algorithm of `node:crypto`. */
export async function requestFile(
  url: URL,
  path: string,
  access: Access,
  algorithm: "sha256" | "sha512",
): Promise<Buffer> {
  return withRetries(async () => {
    const { response, url: final } = await request(url, access, {});
    const hash = createHash(algorithm);
    await using file = await open(path, "w");
    for await (const chunk of bodyOf(response, final)) {
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    return hash.digest();
  });
}

/** What is sent; a connection that breaks on the way is a failed request. */
async function* bodyOf(response: IncomingMessage, url: URL): AsyncGenerator<Buffer> {
  try {
    yield* response as AsyncIterable<Buffer>;
  } catch (cause) {
    throw new RequestError(`${show(url)}: ${(cause as Error).message}`, undefined, cause);
  }
}

/** An address as it may be shown: without credentials and query. */
export function show(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

async function withRetries<T>(act: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      const { status = 500 } = error as { status?: number };
      const { code } = error as NodeJS.ErrnoException;
      const isPassing = status >= 500 && !["ENOSPC", "EACCES", "ECONNREFUSED"].includes(code ?? "");
      if (attempt === ATTEMPTS || !isPassing) throw error;
      await setTimeout(WAIT * attempt);
    }
  }
}

/** The successful answer to a GET, redirects followed. Credentials go only to addresses that they are for. */
async function request(
  from: URL,
  access: Access,
  headers: Record<string, string>,
): Promise<{ response: IncomingMessage; url: URL }> {
  let url = from;
  for (let redirects = 0; ; redirects++) {
    const response = await get(url, access, headers);
    const { statusCode: status = 0 } = response;
    if (status >= 200 && status < 300) return { response, url };
    response.resume();
    const { location } = response.headers;
    if (status < 300 || status >= 400 || location === undefined) {
      throw new RequestError(
        `${show(url)} answers ${status} ${response.statusMessage ?? ""}`.trim(),
        status,
      );
    }
    if (redirects === MAX_REDIRECTS)
      throw new RequestError(`${show(from)} redirects without end`, status);
    const next = new URL(location, url);
    if (url.protocol === "https:" && next.protocol !== "https:") {
      throw new RequestError(`${show(url)} redirects to an address without encryption`, status);
    }
    url = next;
  }
}

function get(url: URL, access: Access, headers: Record<string, string>): Promise<IncomingMessage> {
  if (!/^https?:$/.test(url.protocol)) {
    throw new RequestError(`${show(url)} is neither http nor https`, 400);
  }
  const authorization = access.authorization?.(url);
  const options = {
    agent: agentFor(url, access),
    headers: {
      "user-agent": "ocelli",
      "accept-encoding": "identity",
      ...headers,
      ...(authorization === undefined ? {} : { authorization }),
    },
    timeout: SILENCE,
  };
  const bare = new URL(url);
  bare.username = bare.password = ""; // they are in the header
  return new Promise((resolve, reject) => {
    const call = (url.protocol === "https:" ? https : http).get(bare, options, resolve);
    call.on("timeout", () => call.destroy(new Error(`no byte in ${SILENCE / 1000} s`)));
    call.on("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.message || cause.code || "no connection";
      reject(
        Object.assign(new RequestError(`${show(url)}: ${why}`, undefined, cause), {
          code: cause.code,
        }),
      );
    });
  });
}

const agents = new WeakMap<Access, Map<string, http.Agent>>();

/** The agent for an address, kept with its access: its connections serve several requests. */
function agentFor(url: URL, access: Access): http.Agent {
  checkProxies(url, access);
  const trusted = access.trusts?.(url) ?? false;
  const key = `${url.protocol}${trusted}`;
  const kept = agents.get(access) ?? new Map<string, http.Agent>();
  agents.set(access, kept);
  let agent = kept.get(key);
  if (!agent) {
    const proxyEnv = { ...access.proxies };
    agent =
      url.protocol === "https:"
        ? new https.Agent({ proxyEnv, ...certificates(access, trusted) })
        : new http.Agent({ proxyEnv });
    kept.set(key, agent);
  }
  return agent;
}

function certificates({ certificates: file }: Access, trusted: boolean): https.AgentOptions {
  if (trusted) return { rejectUnauthorized: false };
  const known = [...tls.getCACertificates("default"), ...tls.getCACertificates("system")];
  if (file === undefined) return { ca: known };
  try {
    return { ca: [...known, readFileSync(file, "utf8")] };
  } catch (cause) {
    throw new RequestError(
      `the certificates ${file} cannot be read: ${(cause as Error).message}`,
      400,
      cause,
    );
  }
}

/** The versions whose agents know proxies. */
const KNOWS_PROXIES = /^(22\.(2[1-9]|[3-9]\d)|24\.([5-9]|\d\d)|2[5-9]|[3-9]\d)\./;

function checkProxies(url: URL, { proxies }: Access): void {
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  if (!proxies[name] || isExcepted(url, proxies.NO_PROXY)) return;
  if (KNOWS_PROXIES.test(process.versions.node)) return;
  throw new RequestError(
    `${show(url)} is behind a proxy (${name}), which needs Node 22.21, 24.5 or newer; this is ${process.versions.node}`,
    400,
  );
}

/** Whether a list such as "localhost, .test, 10.0.0.1:8080" names the host of an address. */
export function isExcepted({ hostname, host }: URL, list = ""): boolean {
  return list.split(/[\s,]+/).some((name) => {
    const bare = name.replace(/^\*?\./, "");
    return name === "*" || (bare !== "" && (bare === host || `.${hostname}`.endsWith(`.${bare}`)));
  });
}
