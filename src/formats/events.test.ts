import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { concatBytes } from "./bytes.ts";
import { encodeEvent } from "./events.ts";
import { encodeRecord } from "./tfrecord.ts";

const PYTHON = join(process.env.OCELLI_PEERS ?? ".venv", "bin/python");
const hasTensorboard = spawnSync(PYTHON, ["-c", "import tensorboard"]).status === 0;

test("an event is wall time, step and scalars in protobuf", () => {
  const bytes = encodeEvent({ wallTime: 1.5, step: 300, scalars: { a: 2 } });
  expect(Buffer.from(bytes).toString("hex")).toBe(
    "09" + "000000000000f83f" + "10ac02" + "2a0a" + "0a08" + "0a0161" + "1500000040",
  );
});

test.skipIf(!hasTensorboard)("TensorBoard reads the file", () => {
  const folder = mkdtempSync(join(tmpdir(), "ocelli-events-"));
  const events = [
    encodeEvent({ wallTime: 1e9, fileVersion: 2 }),
    encodeEvent({ wallTime: 1e9 + 1, step: 7, scalars: { loss: 2.5, "test/accuracy": 0.25 } }),
    encodeEvent({ wallTime: 1e9 + 2, step: 14, scalars: { loss: 0.125 } }),
  ];
  writeFileSync(join(folder, "events.tfevents"), concatBytes(events.map(encodeRecord)));
  const program = `
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(${JSON.stringify(folder)}); a.Reload()
for tag in sorted(a.Tags()["scalars"]): print(tag, [(e.wall_time, e.step, e.value) for e in a.Scalars(tag)])
for tag in sorted(a.Tags()["tensors"]): print(tag, [(e.wall_time, e.step, float(e.tensor_proto.float_val[0])) for e in a.Tensors(tag)])`;
  const printed = execFileSync(PYTHON, ["-c", program], { encoding: "utf8", stdio: "pipe" });
  rmSync(folder, { recursive: true });
  expect(printed).toBe(
    "loss [(1000000001.0, 7, 2.5), (1000000002.0, 14, 0.125)]\n" +
      "test/accuracy [(1000000001.0, 7, 0.25)]\n",
  );
});
