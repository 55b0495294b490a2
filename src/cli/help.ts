/** @file Help texts. */

import { COMMON_FLAGS, type Command, type Flag } from "./command.ts";

const column = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, help]) => `  ${name.padEnd(width)}  ${help}`).join("\n");
};

const flagRow = ([name, { type, value, help }]: [string, Flag]): [string, string] => [
  type === "switch" ? `--${name}` : `--${name} ${value ?? (type === "integer" ? "N" : "TEXT")}`,
  help,
];

/** The help of one command. */
export function commandHelp(command: Command): string {
  const { name, operands, summary, flags, takesOverrides, examples } = command;
  const rows = Object.entries({ ...flags, ...COMMON_FLAGS }).map(flagRow);
  if (takesOverrides)
    rows.unshift(["--KEY VALUE", "set a value of the configuration, such as --batchSize 64"]);
  return [
    summary,
    `\nUsage: ocelli ${[name, operands, "[options]"].filter(Boolean).join(" ")}`,
    `\nOptions:\n${column(rows)}`,
    `\nExamples:\n${examples.map((example) => `  ${example}`).join("\n")}`,
  ].join("\n");
}

/** The help of the whole program. */
export function programHelp(commands: readonly Command[]): string {
  const rows = commands.map(({ name, operands, summary }): [string, string] => [
    `${name} ${operands}`.trim(),
    summary,
  ]);
  return [
    "Ocelli trains, evaluates and ships vision models.",
    "\nUsage: ocelli COMMAND [options]",
    `\nCommands:\n${column(rows)}`,
    `\nOptions:\n${column([
      ["--help", "show this help, or after COMMAND that of the command"],
      ["--version", "show the version"],
    ])}`,
    "\nExamples:",
    "  ocelli transfer --data pets",
    "  ocelli predict runs/transfer cat.jpg",
    "  ocelli export runs/transfer --to web --out site",
  ].join("\n");
}
