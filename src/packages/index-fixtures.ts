/** @file A package index of a test: it serves simple pages of wheels, and npm's descriptions with their tarballs. */

import { createHash } from "node:crypto";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A wheel that holds texts by their paths. */
export const wheelOf = (members: Readonly<Record<string, string>>): Uint8Array =>
  zipSync(Object.fromEntries(Object.entries(members).map(([name, text]) => [name, utf8(text)])));

/** A gzipped tar archive that holds texts by their paths. */
export function tarballOf(members: Readonly<Record<string, string>>): Uint8Array {
  const blocks = Object.entries(members).flatMap(([name, text]) => {
    const content = utf8(text);
    const header = new Uint8Array(512);
    const put = (at: number, value: string) => header.set(utf8(value), at);
    put(0, name);
    put(100, "0000644\0");
    put(124, `${content.length.toString(8).padStart(11, "0")}\0`);
    put(148, " ".repeat(8));
    put(156, "0");
    put(257, "ustar\x0000");
    const sum = header.reduce((total, byte) => total + byte, 0);
    put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
    return [header, content, new Uint8Array((512 - (content.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, new Uint8Array(1024)]));
}

/** A served index; `paths` are those that were asked for, in order. */
export interface ServedIndex extends AsyncDisposable {
  readonly url: string;
  readonly paths: readonly string[];
}

/** Serves what `answer` gives for a path: bytes, a text (HTML, or JSON where it begins with a brace), else 404. */
export async function serveIndex(
  answer: (
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ) => Uint8Array | string | undefined,
): Promise<ServedIndex> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url!);
    paths.push(path);
    const content = answer(path, request, response);
    if (response.headersSent) return;
    if (content === undefined) response.writeHead(404).end();
    else {
      const json = typeof content === "string" && content.startsWith("{");
      response.setHeader(
        "content-type",
        json ? "application/vnd.pypi.simple.v1+json" : "text/html",
      );
      response.end(content);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    paths,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers for wheels by file name as an index's page and files do. */
export function wheelAnswers(
  wheels: Readonly<Record<string, Uint8Array>>,
  hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex"),
): (path: string) => Uint8Array | string | undefined {
  return (path) => {
    const [, file] = /^\/files\/(.+)$/.exec(path) ?? [];
    if (file !== undefined) return wheels[file];
    const name = path.slice(1, -1).replaceAll("-", "_");
    const links = Object.entries(wheels).filter(([wheel]) => wheel.startsWith(`${name}-`));
    if (links.length === 0) return undefined;
    return links
      .map(([wheel, bytes]) => `<a href="../files/${wheel}#sha256=${hashOf(bytes)}">${wheel}</a>`)
      .join("<br>");
  };
}
