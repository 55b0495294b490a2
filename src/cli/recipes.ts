/** @file `ocelli recipes`: the configurations that come with Ocelli. */

import type { Command } from "./command.ts";
import { listRecipes } from "./load-config.ts";

export const recipes: Command = {
  name: "recipes",
  summary: "List the configurations that come with Ocelli",
  operands: "",
  arity: [0, 0],
  flags: {},
  examples: [
    "ocelli recipes",
    "ocelli train quickstart",
    "ocelli train better-plain-vit --data DIR",
  ],
  run(_call, output) {
    const found = listRecipes();
    for (const { name, summary } of found) output.line(`${name.padEnd(20)} ${summary}`);
    return Promise.resolve({ recipes: found.map(({ name, summary }) => ({ name, summary })) });
  },
};
