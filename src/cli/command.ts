/** @file What a command is: its flags and operands, its help, and what runs. */

/** A flag of a command. */
export interface Flag {
  /** A switch stands alone; the others take a value, a list one each time it is given. */
  readonly type: "switch" | "text" | "integer" | "list";
  /** What stands for the value in the help, such as `DIR`. */
  readonly value?: string;
  readonly help: string;
}

/** The command line of one call, parsed. */
export interface Call {
  /** Operands, in order. */
  readonly operands: readonly string[];
  readonly switches: ReadonlySet<string>;
  readonly texts: ReadonlyMap<string, string>;
  readonly integers: ReadonlyMap<string, number>;
  readonly lists: ReadonlyMap<string, readonly string[]>;
  /** Further `--name value` pairs, where the command takes them as configuration. */
  readonly overrides: readonly (readonly [name: string, value: string])[];
}

/** Where a command writes for people, and how it ends. */
export interface Output {
  /** Writes a line for people: standard output, or standard error when `--json` keeps that clean; none with `--quiet`. */
  line(text: string): void;
  /** Writes a line of what was asked for, with `--quiet` too. */
  result(text: string): void;
  /** Shows a line that the next one replaces, on a terminal; elsewhere nothing. */
  status(text: string): void;
  /** Whether lines are read on a terminal. */
  readonly terminal: boolean;
  /** Cells that a line may take: those of the terminal, or 100. */
  readonly columns: number;
}

/** What a command prints with `--json`. */
interface CommandResult {
  /** Stopped before its end on the user's demand. */
  readonly interrupted?: boolean;
}

/** A command. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What follows the name in the help, such as `RUN IMAGE…`. */
  readonly operands: string;
  /** The fewest and the most operands. */
  readonly arity: readonly [number, number];
  readonly flags: Readonly<Record<string, Flag>>;
  /** Whether unknown flags are configuration values, to be checked by the command. */
  readonly takesOverrides?: boolean;
  readonly examples: readonly string[];
  run(call: Call, output: Output): Promise<CommandResult & object>;
}

/** The flag of commands that open configurations, runs or models. */
export const USE_FLAG: Flag = {
  type: "list",
  value: "FILE",
  help: "a file of definitions of your own, such as a model; may be given several times",
};

/** The flag of commands that take their time or say much. */
export const QUIET_FLAG: Flag = {
  type: "switch",
  help: "print only the result, without progress and notes",
};

/** Flags that every command has. */
export const COMMON_FLAGS: Readonly<Record<string, Flag>> = {
  json: { type: "switch", help: "print the result as one JSON object on the last line" },
  help: { type: "switch", help: "show this help" },
};
