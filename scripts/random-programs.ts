/**
 * @file Long runs of random programs: an engine, or JAX, against the interpreter.
 *
 *     npm run programs -- ort 0 20000          # seeds 0 to 19999
 *     npm run programs -- xla-cpu 0 5000
 *     npm run programs -- xla-cpu-two 0 1000   # over two devices
 *     OCELLI_PYTHON=…/bin/python npm run programs -- jax 0 2000
 *
 * The same seed is the same program, so a run that was stopped continues at the seed that it printed last. Programs
 * that go wrong are printed as drawn and cut down; the exit status is 1 if there was one.
 */

import { unknownName } from "../src/errors.ts";
import { CONTENDERS, openContender } from "../tests/random-programs/contenders.ts";
import { type Tally, reduce, runSeeds } from "../tests/random-programs/campaign.ts";
import { countSteps, showPlan } from "../tests/random-programs/plan.ts";

const [name = "ort", from = "0", count = "1000"] = process.argv.slice(2);
const known = CONTENDERS.find((other) => other === name);
if (!known) throw unknownName("contender", name, CONTENDERS);
const contender = await openContender(known);

const percent = (part: number, whole: number): string =>
  `${((100 * part) / Math.max(whole, 1)).toFixed(2)} %`;
const summary = ({ programs, elements, open, tight, failures }: Tally): string =>
  `${programs} programs, ${failures} wrong; ${elements} elements, of which ${percent(tight, elements)} are held to a ` +
  `thousandth or less, and ${percent(open, elements)} are open`;

const started = performance.now();
const tally = await runSeeds(
  contender,
  Number(from),
  Number(count),
  async (failure) => {
    console.log(
      `\nseed ${failure.seed}, ${countSteps(failure.plan.steps)} steps: ${failure.problem}`,
    );
    const smallest = await reduce(contender, failure, contender.forJax ? 60 : 600);
    console.log(`${showPlan(smallest.plan)}\n${smallest.problem}\n`);
  },
  (seed, now) => {
    if ((seed + 1) % 100 === 0) console.log(`up to seed ${seed}: ${summary(now)}`);
  },
);
const seconds = Math.round((performance.now() - started) / 1000);
console.log(
  `${contender.name}, seeds ${from} to ${Number(from) + Number(count) - 1}: ${summary(tally)}; ${seconds} s`,
);
await contender.dispose();
process.exit(tally.failures > 0 ? 1 : 0);
