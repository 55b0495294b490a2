/** @file The command line: `--name value`, `--name=value`, switches, operands; unknown names are errors. */

import { OcelliError, unknownName } from "../errors.ts";
import { COMMON_FLAGS, type Call, type Command, type Flag } from "./command.ts";

/**
 * Parses what follows a command's name. Everything after `--` is an operand.
 *
 * @example
 * parseArguments(predict, ["runs/a", "cat.png", "--top-k", "3"]).integers.get("top-k"); // 3
 */
export function parseArguments(command: Command, args: readonly string[]): Call {
  const flags: Readonly<Record<string, Flag>> = { ...command.flags, ...COMMON_FLAGS };
  const operands: string[] = [];
  const switches = new Set<string>();
  const texts = new Map<string, string>();
  const integers = new Map<string, number>();
  const lists = new Map<string, string[]>();
  const overrides: [string, string][] = [];
  const seen = new Set<string>();
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--") {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (!args[i].startsWith("-") || args[i] === "-") {
      operands.push(args[i]);
      continue;
    }
    const [name, attached] = splitFlag(command, args[i]);
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (seen.has(name) && flag?.type !== "list") {
      throw usage(command, `--${name} is given twice.`);
    }
    seen.add(name);
    if (!flag && !command.takesOverrides) {
      const valid = Object.keys(flags).map((valid) => `--${valid}`);
      throw unknownName("option", `--${name}`, valid, "argument");
    }
    if (flag?.type === "switch") {
      if (attached !== undefined) throw usage(command, `--${name} takes no value.`);
      switches.add(name);
      continue;
    }
    const value = attached ?? args[++i];
    if (value === undefined || (attached === undefined && value.startsWith("--"))) {
      throw usage(command, `--${name} needs a value.`);
    }
    if (!flag) overrides.push([name, value]);
    else if (flag.type === "list") lists.set(name, [...(lists.get(name) ?? []), value]);
    else if (flag.type === "text") texts.set(name, value);
    else integers.set(name, parseInteger(command, name, value));
  }
  if (!switches.has("help")) checkOperands(command, operands);
  return { operands, switches, texts, integers, lists, overrides };
}

function splitFlag(command: Command, text: string): [name: string, value: string | undefined] {
  const match = /^--([^=]+)(?:=(.*))?$/s.exec(text);
  if (match) return [match[1], match[2]];
  if (text === "-h") return ["help", undefined];
  throw usage(command, `"${text}" is no option; options begin with two dashes.`);
}

function parseInteger(command: Command, name: string, text: string): number {
  if (/^\d+$/.test(text) && Number(text) > 0) return Number(text);
  throw usage(command, `--${name} must be a whole number above 0, not "${text}".`);
}

function checkOperands({ name, operands, arity: [fewest, most] }: Command, given: string[]): void {
  if (given.length >= fewest && given.length <= most) return;
  const problem =
    given.length < fewest
      ? `it needs ${operands}`
      : `"${given[most]}" is too much; it takes ${operands || "no operands"}`;
  throw new OcelliError("argument", `ocelli ${name}: ${problem}.`, {
    hint: `See ocelli ${name} --help.`,
  });
}

const usage = (command: Command, problem: string): OcelliError =>
  new OcelliError("argument", problem, { hint: `See ocelli ${command.name} --help.` });
