/** @file `ocelli bench`: measurements, beside another framework where it is set up. */

import { join } from "node:path";
import { ENGINE_NAMES } from "../engines/select.ts";
import { cpuBudget } from "../engines/threads.ts";
import { unknownName } from "../errors.ts";
import type { Command } from "./command.ts";
import { stoppable } from "./stoppable.ts";

export const bench: Command = {
  name: "bench",
  summary:
    "Benchmark training steps, start-up, single operations, a server, a search, or self-supervised systems",
  operands: "step|forward|trace|start|operations|pipeline|serve|search|gpu|systems",
  arity: [1, 1],
  flags: {
    model: {
      type: "text",
      value: "NAME",
      help: "the model, such as vit-s16, bit-r50x1 or resnet-50; for gpu a ViT variant (default: vit-s16; gpu: B/16)",
    },
    size: { type: "integer", help: "image size in pixels (default: 224)" },
    side: {
      type: "integer",
      help: "longer side of the photographs in pixels, for pipeline (default: 500)",
    },
    batch: { type: "integer", help: "batch size (default: 8; gpu: 256)" },
    against: {
      type: "text",
      value: "torch|jax",
      help: "another framework to measure in the same run; for operations several, as torch,jax",
    },
    only: { type: "text", value: "NAMES", help: "operations, as top-k,cholesky (default: all)" },
    clients: { type: "integer", help: "clients that send requests, for serve (default: 16)" },
    vectors: { type: "integer", help: "vectors of 512 numbers, for search (default: 100000)" },
    pairs: {
      type: "integer",
      help: "runs of each side, in alternating turns (default: 5; gpu: 2)",
    },
    system: {
      type: "text",
      value: "NAME",
      help: "one system, for systems (default: all, each in its own process)",
    },
    data: {
      type: "text",
      value: "PATH",
      help: "labelled images, for systems (default: CIFAR-10 or Fashion-MNIST)",
    },
    minutes: { type: "integer", help: "minutes of training a system, for systems (default: 10)" },
    steps: { type: "integer", help: "steps instead of minutes, for systems" },
    workdir: {
      type: "text",
      value: "DIR",
      help: "folder of the runs, for systems; running again resumes (default: runs/systems)",
    },
    engine: { type: "text", value: "E", help: "engine (default: auto)" },
    threads: { type: "integer", help: "threads of each side (default: all cores)" },
  },
  examples: [
    "ocelli bench step --model vit-s16 --batch 8 --against torch",
    "ocelli bench operations --only top-k --against torch,jax",
    "ocelli bench trace --model vit-s16 --json",
    "ocelli bench gpu --model B/16 --batch 256",
    "ocelli bench systems",
  ],
  async run({ operands: [kind], texts, integers }, output) {
    const engine = texts.get("engine") ?? "auto";
    if (!ENGINE_NAMES.includes(engine)) {
      throw unknownName("engine", engine, ENGINE_NAMES, "argument");
    }
    if (kind === "pipeline") {
      const { benchPipeline, describePipeline } = await import("../../bench/pipeline.ts");
      const options = { pairs: integers.get("pairs") ?? 5, side: integers.get("side") ?? 500 };
      const result = await benchPipeline(options, (line) => output.line(line));
      output.line(describePipeline(result));
      return result;
    }
    if (kind === "serve") {
      const { benchServe, describeServe } = await import("../../bench/serve.ts");
      const options = {
        clients: integers.get("clients") ?? 16,
        pairs: integers.get("pairs") ?? 5,
        size: integers.get("size") ?? 96,
      };
      const result = await benchServe(options, (line) => output.line(line));
      output.line(describeServe(result));
      return result;
    }
    if (kind === "search") {
      const { benchSearch, describeSearch } = await import("../../bench/search.ts");
      const options = {
        ...{ vectors: integers.get("vectors") ?? 100_000, size: 512, queries: 20 },
        runs: integers.get("pairs") ?? 5,
      };
      const result = await benchSearch(options);
      for (const line of describeSearch(result).split("\n")) output.line(line);
      return result;
    }
    if (kind === "systems") {
      const { benchSystems, describeSystems } = await import("../../bench/systems/systems.ts");
      const path = texts.get("data");
      const { dataAt } = await import("./data.ts");
      const data = path === undefined ? undefined : { config: await dataAt(path, "bench"), path };
      const options = {
        workdir: texts.get("workdir") ?? join("runs", "systems"),
        ...{ system: texts.get("system"), data, engine: texts.get("engine") },
        ...{ minutes: integers.get("minutes"), steps: integers.get("steps"), reporter: output },
      };
      const result = await stoppable(output, (signal) => benchSystems({ ...options, signal }));
      for (const line of describeSystems(result)) output.line(line);
      return result;
    }
    if (kind === "gpu") {
      const { benchGpu, describeGpu } = await import("../../bench/gpu.ts");
      const options = {
        variant: texts.get("model") ?? "B/16",
        batch: integers.get("batch") ?? 256,
        pairs: integers.get("pairs") ?? 2,
        engine,
      };
      const result = await benchGpu(options);
      output.line(describeGpu(result));
      return result;
    }
    if (kind === "operations") {
      const { benchOperations } = await import("../../bench/operations/index.ts");
      const list = (name: string) =>
        texts
          .get(name)
          ?.split(",")
          .filter((part) => part !== "");
      const options = {
        names: list("only"),
        engines: engine === "auto" ? ["ort", "xla-cpu"] : [engine],
        peers: list("against") ?? [],
        pairs: integers.get("pairs") ?? 5,
        threads: integers.get("threads") ?? cpuBudget().engine,
      };
      return benchOperations(options, (line) => output.line(line));
    }
    const { bench: measure, describeBench } = await import("../../bench/cli.ts");
    const options = {
      kind,
      model: texts.get("model") ?? "vit-s16",
      size: integers.get("size") ?? 224,
      batch: integers.get("batch") ?? 8,
      against: texts.get("against"),
      pairs: integers.get("pairs") ?? 5,
      engine,
      threads: integers.get("threads") ?? cpuBudget().engine,
    };
    const result = await measure(options, (line) => output.line(line));
    output.line(describeBench(result));
    return result;
  },
};
