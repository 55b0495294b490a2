/** @file `ocelli serve`: a trained model over HTTP. */

import { once } from "node:events";
import { OcelliError } from "../errors.ts";
import { type Command, USE_FLAG } from "./command.ts";
import { printableName } from "./printable.ts";

const LAST_PORT = 65_535;

export const serve: Command = {
  name: "serve",
  summary: "Serve a trained, exported or published model over HTTP",
  operands: "RUN|MODEL",
  arity: [1, 1],
  flags: {
    port: { type: "integer", help: "port (default: 6465)" },
    host: {
      type: "text",
      value: "H",
      help: "address to listen on (default: 127.0.0.1, this machine only)",
    },
    token: {
      type: "text",
      value: "TOKEN",
      help: "token that requests must send (default: OCELLI_TOKEN; required where others can reach the host)",
    },
    index: {
      type: "text",
      value: "INDEX|DIR",
      help: "an index of this model's to answer POST /search with (ocelli search index)",
    },
    "max-bytes": { type: "integer", help: "bytes of a request (default: 10000000)" },
    "max-pixels": { type: "integer", help: "pixels of a picture (default: 40000000)" },
    "max-time": { type: "integer", help: "milliseconds of a request (default: 10000)" },
    "max-queue": { type: "integer", help: "requests at the same time (default: 256)" },
    "max-batch": { type: "integer", help: "pictures computed together (default: 16)" },
    engine: { type: "text", value: "E", help: "engine: auto, ort, xla-cpu, … (default: auto)" },
    use: USE_FLAG,
  },
  examples: [
    "ocelli serve runs/quickstart",
    "ocelli serve runs/pets --host 0.0.0.0 --port 8080 --token secret",
    "curl --data-binary @cat.jpg http://127.0.0.1:6465/predict",
  ],
  async run({ operands: [model], texts, integers }, output) {
    const port = integers.get("port") ?? 6465;
    if (port > LAST_PORT) {
      throw new OcelliError("argument", `--port must be at most ${LAST_PORT}, not ${port}.`);
    }
    const { serveModel } = await import("../serve/server.ts");
    const limits = Object.fromEntries(
      ["bytes", "pixels", "time", "queue", "batch"].flatMap((name) => {
        const value = integers.get(`max-${name}`);
        return value === undefined ? [] : [[name, value]];
      }),
    );
    const server = await serveModel(model, {
      ...{ host: texts.get("host"), port, limits },
      token: texts.get("token") ?? (process.env.OCELLI_TOKEN || undefined),
      engine: texts.get("engine"),
      index: texts.get("index"),
      report: (line) => output.line(line),
      onFault: (error) => output.line(printableName(`a request failed: ${String(error)}`)),
    });
    output.line(`${server.url} answers with ${model} (${server.engine}); Ctrl-C ends it`);
    await Promise.race(["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => once(process, signal)));
    output.line("stopping: open requests are answered first");
    await server.close();
    return { url: server.url, model };
  },
};
