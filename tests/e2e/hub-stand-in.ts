/** @file A hub for tests, on this machine: repositories are made, committed to, large files and small, and read again. */

import { createHash } from "node:crypto";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A repository's files by path. */
type Files = Map<string, Uint8Array>;

/** The hub, and what it has been told. */
export interface HubStandIn extends Disposable {
  readonly url: string;
  readonly repositories: Map<string, { readonly visibility: string; readonly files: Files }>;
  /** Large files that were sent, by hash. */
  readonly large: Map<string, Uint8Array>;
  /** Summaries of commits. */
  readonly commits: string[];
}

/** A token that may write to `ada`, and one that may only read. */
export const TOKENS = { write: "hf_write", read: "hf_read" } as const;

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A line of a commit. */
interface CommitLine {
  readonly key: "header" | "file" | "lfsFile";
  readonly value: Readonly<Record<"summary" | "path" | "content" | "oid", string>>;
}

/** Starts the hub. */
export async function startHub(): Promise<HubStandIn> {
  const repositories: HubStandIn["repositories"] = new Map();
  const large: HubStandIn["large"] = new Map();
  const commits: string[] = [];
  let url = "";

  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const body = Buffer.concat(parts);
    const json = (value: unknown, status = 200): void => {
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
    };
    const path = decodeURIComponent(new URL(request.url!, url).pathname);
    const [, sent] = /^\/lfs\/(\w+)$/.exec(path) ?? [];
    if (request.method === "PUT" && sent) {
      if (sha256(body) !== sent) return json({ error: "another hash" }, 400);
      large.set(sent, new Uint8Array(body));
      return void response.writeHead(200).end();
    }
    const token = request.headers.authorization?.replace("Bearer ", "");
    if (request.method === "POST") {
      if (token !== TOKENS.write && token !== TOKENS.read) {
        return json({ error: "Invalid credentials in Authorization header" }, 401);
      }
      if (path === "/api/repos/create") {
        const asked = JSON.parse(String(body)) as Record<string, string>;
        const name = `${asked.organization}/${asked.name}`;
        if (token === TOKENS.read || asked.organization !== "ada") {
          return json({ error: `You don't have the rights to create a model under ${name}` }, 403);
        }
        if (repositories.has(name)) return json({ error: "You already created this model" }, 409);
        repositories.set(name, { visibility: asked.visibility, files: new Map() });
        return json({ url: `${url}/${name}`, id: name });
      }
      return write(path, body, json);
    }
    read(path, request, response, json);
  }

  /** What is asked before a commit, and the commit. */
  function write(
    path: string,
    body: Buffer,
    json: (value: unknown, status?: number) => void,
  ): void {
    const [, before] = /^\/api\/models\/([^/]+\/[^/]+)\/preupload\/main$/.exec(path) ?? [];
    if (before) {
      const { files } = JSON.parse(String(body)) as { files: { path: string; size: number }[] };
      const isLarge = (name: string): boolean => /\.(safetensors|onnx)$/.test(name);
      return json({
        files: files.map((file) => ({
          path: file.path,
          uploadMode: isLarge(file.path) ? "lfs" : "regular",
        })),
      });
    }
    if (path.endsWith(".git/info/lfs/objects/batch")) {
      const { objects } = JSON.parse(String(body)) as { objects: { oid: string; size: number }[] };
      return json({
        transfer: "basic",
        objects: objects.map(({ oid, size }) => ({
          ...{ oid, size },
          ...(!large.has(oid) && { actions: { upload: { href: `${url}/lfs/${oid}` } } }),
        })),
      });
    }
    const [, name] = /^\/api\/models\/([^/]+\/[^/]+)\/commit\/main$/.exec(path) ?? [];
    const repository = repositories.get(name);
    if (!repository) return json({ error: "Repository not found" }, 404);
    for (const line of String(body).split("\n").filter(Boolean)) {
      const { key, value } = JSON.parse(line) as CommitLine;
      if (key === "header") commits.push(value.summary);
      else if (key === "file") {
        repository.files.set(value.path, new Uint8Array(Buffer.from(value.content, "base64")));
      } else repository.files.set(value.path, large.get(value.oid)!);
    }
    json({ commitOid: "0".repeat(40), commitUrl: `${url}/${name}/commit/0`, hookOutput: "" });
  }

  function read(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    json: (value: unknown, status?: number) => void,
  ): void {
    const [, listed] = /^\/api\/models\/([^/]+\/[^/]+)\/tree\/main/.exec(path) ?? [];
    const [, name, file] = /^\/([^/]+\/[^/]+)\/resolve\/main\/(.+)$/.exec(path) ?? [];
    const files = repositories.get(listed ?? name)?.files;
    if (listed && files) {
      return json(
        [...files].map(([path, { length: size }]) => ({ type: "file", path, size, oid: "0" })),
      );
    }
    const bytes = files?.get(file);
    if (!bytes) return json({ error: "Repository not found" }, 404);
    const [, from = "0", to = ""] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") ?? [];
    const end = to === "" ? bytes.length : Number(to) + 1;
    response.writeHead(206, {
      ETag: `"${sha256(bytes)}"`,
      "Content-Range": `bytes ${from}-${end - 1}/${bytes.length}`,
    });
    response.end(bytes.subarray(Number(from), end));
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ url, repositories, large, commits },
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
