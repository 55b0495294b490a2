/** @file `ocelli pretrain`: features of pictures without labels, in the time that is given. */

import { OcelliError, unknownName } from "../errors.ts";
import { type Command, type Output, USE_FLAG } from "./command.ts";
import { stoppable } from "./stoppable.ts";
import { seedOf } from "./transfer.ts";

export const pretrainCommand: Command = {
  name: "pretrain",
  summary: "Learn features of your pictures without labels, in the time that you give",
  operands: "",
  arity: [0, 0],
  flags: {
    data: {
      type: "text",
      value: "PATH",
      help: "your pictures: a folder, .tar, .parquet, …; labels are not used (required)",
    },
    minutes: { type: "text", value: "N", help: "how long it may take (default: 60)" },
    method: {
      type: "text",
      value: "simclr|rotation|mae",
      help: "method (default: chosen by pictures and time)",
    },
    workdir: { type: "text", value: "DIR", help: "run folder (default: runs/pretrain, numbered)" },
    resume: { type: "text", value: "RUN", help: "resume a stopped run" },
    seed: { type: "text", value: "N", help: "seed (default: 0)" },
    engine: { type: "text", value: "E", help: "engine: auto, ort, xla-cpu, … (default: auto)" },
    use: USE_FLAG,
  },
  examples: [
    "ocelli pretrain --data pictures",
    "ocelli pretrain --data pictures --minutes 15 --method rotation",
    "ocelli pretrain --resume runs/pretrain",
    "ocelli transfer --model runs/pretrain --data labelled",
  ],
  async run({ texts }, output) {
    const engine = texts.get("engine");
    const folder = texts.get("resume");
    if (folder !== undefined) {
      const other = ["data", "minutes", "method", "workdir", "seed"].find((flag) =>
        texts.has(flag),
      );
      if (other !== undefined) {
        throw new OcelliError("argument", `--resume RUN does not take --${other}.`, {
          hint: "A run resumes with its own configuration.",
        });
      }
      const { resume } = await import("../transfer/resume.ts");
      const how = { engine, command: "pretrain", reporter: output } as const;
      const resumed = await stoppable(output, (signal) => resume(folder, { ...how, signal }));
      if (!resumed.interrupted) tellNext(resumed.workdir, output);
      return resumed;
    }
    const { dataAt } = await import("./data.ts");
    const { PRETRAIN_METHODS } = await import("../pretrain/choose.ts");
    const { pretrain } = await import("../pretrain/pretrain.ts");
    const minutes = minutesOf(texts.get("minutes"));
    const named = texts.get("method");
    const method = PRETRAIN_METHODS.find((valid) => valid === named);
    if (named !== undefined && method === undefined) {
      throw unknownName("method", named, PRETRAIN_METHODS, "argument");
    }
    const data = await dataAt(texts.get("data"), "pretrain", "optional");
    const options = {
      ...{ minutes, method, engine, seed: seedOf(texts.get("seed")), reporter: output },
      workdir: texts.get("workdir"),
    };
    const result = await stoppable(output, async (signal) => {
      try {
        return await pretrain(data, { ...options, signal });
      } catch (error) {
        if (error !== signal.reason) throw error;
        output.line("stopped before training began; run the same command again");
        return { interrupted: true };
      }
    });
    if ("workdir" in result && !result.interrupted) tellNext(result.workdir, output);
    return result;
  },
};

/** What a run without labels is for. */
function tellNext(run: string, output: Output): void {
  output.line(`next    ocelli transfer --model ${run} --data LABELLED`);
  output.line(
    `        of photographs, published weights often do better: ocelli probe ${run} ` +
      "efficientnet-lite0 --data LABELLED",
  );
}

function minutesOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text.trim() !== "" && Number(text) > 0 && Number.isFinite(Number(text))) return Number(text);
  throw new OcelliError("argument", `--minutes must be a number above 0, not "${text}".`);
}
