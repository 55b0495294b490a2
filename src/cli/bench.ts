/** @file `ocelli bench`: measurements, beside another framework where it is set up. */

import { ENGINE_NAMES } from "../engines/select.ts";
import { cpuBudget } from "../engines/threads.ts";
import { unknownName } from "../errors.ts";
import type { Command } from "./command.ts";

export const bench: Command = {
  name: "bench",
  summary: "Benchmark a training step, a forward pass, tracing, start-up, a server or a search",
  operands: "step|forward|trace|start|pipeline|serve|search|gpu",
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
      help: "another framework to measure in the same run",
    },
    clients: { type: "integer", help: "clients that send requests, for serve (default: 16)" },
    vectors: { type: "integer", help: "vectors of 512 numbers, for search (default: 100000)" },
    pairs: { type: "integer", help: "number of runs (default: 5; gpu: 2)" },
    engine: { type: "text", value: "E", help: "engine (default: auto)" },
    threads: { type: "integer", help: "threads for both (default: all cores)" },
  },
  examples: [
    "ocelli bench step --model vit-s16 --batch 8 --against torch",
    "ocelli bench trace --model vit-s16 --json",
    "ocelli bench gpu --model B/16 --batch 256",
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
