/**
 * @file A Node server of one's own around a model: a form, and the answer as a page. `node examples/server/server.ts RUN [PORT]`
 */

import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { OcelliError, decodeImage, describeAnswer, loadPredictor } from "ocelli";

const FORM = `<!doctype html><html lang="en"><meta charset="utf-8"><title>A model</title>
<label>Choose a picture: <input id="file" type="file" accept="image/*"></label><p id="answer" role="status"></p>
<script type="module">
  document.getElementById("file").onchange = async ({ target }) => {
    const response = await fetch("/", { method: "POST", body: target.files[0] });
    document.getElementById("answer").textContent = await response.text();
  };
</script></html>`;

/** More bytes are refused. */
const LARGEST = 10_000_000;

/** Serves a run's model; port 0 takes a free one. `ocelli serve` does more: batches, limits, metrics. */
export async function startServer(run: string, port: number): Promise<Server> {
  const predictor = await loadPredictor(run);
  const answer = async (file: Uint8Array): Promise<string> => {
    const image = await decodeImage(file, { name: "the picture", alpha: predictor.alpha });
    const [found] = await predictor.predict([image]);
    return describeAnswer(found);
  };
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== "POST") {
      response.setHeader("Content-Type", "text/html; charset=utf-8").end(FORM);
      return;
    }
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of request as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > LARGEST) return void response.writeHead(413).end("the picture is too large");
      parts.push(part);
    }
    const text = await answer(Buffer.concat(parts));
    response.setHeader("Content-Type", "text/plain; charset=utf-8").end(text);
  };
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => {
      if (error instanceof OcelliError && error.code === "data") {
        response.writeHead(422).end(error.message); // of the picture
      } else {
        console.error(error); // of the server, which others are not told
        response.writeHead(500).end("the server failed");
      }
    });
  });
  server.on("close", () => void predictor.dispose());
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}

if (import.meta.main) {
  const [run, port = "8000"] = process.argv.slice(2);
  const server = await startServer(run, Number(port));
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}
