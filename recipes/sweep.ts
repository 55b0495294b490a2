/**
 * Learning rates and widths for the quickstart, compared on the last 5,000 training images of MNIST, one epoch each.
 *
 * Command: npx ocelli sweep sweep
 * Expected: six runs and a table, the best first
 * Time: about 3 minutes on 2 cores
 */

import { defineSweep } from "ocelli";
import quickstart from "./quickstart.ts";

export default defineSweep({
  name: "sweep",
  base: {
    ...quickstart,
    split: "train[:55000]",
    evals: { validation: { split: "train[55000:]" } },
    duration: { epochs: 1 },
  },
  grid: { lr: [1e-3, 2e-3, 4e-3], width: [64, 96] },
});
