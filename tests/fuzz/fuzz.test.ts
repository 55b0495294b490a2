import { expect, test } from "vitest";
import { OcelliError } from "../../src/errors.ts";
import { drawFrom, mutated } from "./mutate.ts";
import { FUZZ_ROWS } from "./table.ts";

const long = process.env.OCELLI_LONG === "1";
/** Over all parsers together, more than a million when it is to be long. */
const INPUTS = long ? Math.ceil(1_000_000 / FUZZ_ROWS.length) : 300;
/** The most that one input of a few kilobytes may take; deflate alone may yield a thousandfold. */
const MOST = { milliseconds: 1000, bytes: 64 * 2 ** 20 };

/** CPU time of this process in milliseconds: a busy machine does not fail a parser. */
const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const memory = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

test.each(FUZZ_ROWS.map((row) => [row.name, row] as const))(
  "%s: every input gives a value or an OcelliError, in bounded time and memory",
  async (name, { seeds, parse }) => {
    const draw = drawFrom(name.length);
    for (const seed of seeds) await parse(seed);
    let values = 0;
    const most = { milliseconds: 0, bytes: 0 };
    for (let i = 0; i < INPUTS; i++) {
      const bytes = mutated(seeds, draw);
      const before = memory();
      const start = cpu();
      try {
        await parse(bytes);
        values++;
      } catch (error) {
        if (!(error instanceof OcelliError)) {
          throw new Error(`${name} fails on ${Buffer.from(bytes).toString("base64")}`, {
            cause: error,
          });
        }
      }
      most.milliseconds = Math.max(most.milliseconds, cpu() - start);
      most.bytes = Math.max(most.bytes, memory() - before);
    }
    if (long) {
      const megabytes = (most.bytes / 2 ** 20).toFixed(1);
      console.log(
        `${name}: ${INPUTS} inputs, ${values} values, at most ${most.milliseconds.toFixed(0)} ms of CPU and ${megabytes} MiB`,
      );
    }
    expect(values).toBeGreaterThan(0);
    expect(values).toBeLessThan(INPUTS);
    expect(most.milliseconds).toBeLessThan(MOST.milliseconds);
    expect(most.bytes).toBeLessThan(MOST.bytes);
  },
  1_200_000,
);
