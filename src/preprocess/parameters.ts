/** @file Parameters of operations: what each takes, and reading the arguments of a call. */

import { unknownName } from "../errors.ts";
import { COLOURS, type Colour } from "./alpha.ts";
import { preprocessingError } from "./error.ts";
import { type Call, type Value, printValue } from "./parse.ts";

/** A parameter of an operation. */
export interface Parameter<T> {
  /** What it takes, as in "a whole number above 0". */
  readonly takes: string;
  /** The argument's value; undefined where it is not what the parameter takes. */
  readonly read: (value: Value) => T | undefined;
  /** The value when there is no argument; without it the argument is required. */
  readonly fallback?: { readonly value: T };
  /** "keyword": by name only. "rest": a list of all arguments from its place on. */
  readonly given?: "keyword" | "rest";
}

/** Parameters by name, in order. */
export type Parameters = Readonly<Record<string, Parameter<unknown>>>;

/** The values of parameters. */
export type ArgumentsOf<P extends Parameters> = {
  readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : never;
};

const isNumber = (value: Value): value is number => typeof value === "number";

/** A number, from `least` to `most`. */
export function number(least = -Infinity, most = Infinity): Parameter<number> {
  const range =
    least === -Infinity
      ? ""
      : most === Infinity
        ? ` of at least ${least}`
        : ` from ${least} to ${most}`;
  return {
    takes: `a number${range}`,
    read: (value) => (isNumber(value) && value >= least && value <= most ? value : undefined),
  };
}

/** A whole number from `least` to `most`. */
export const whole = (least: number, most: number): Parameter<number> => ({
  takes: `a whole number from ${least} to ${most}`,
  read: (value) => (isWhole(value, least, most) ? value : undefined),
});

const isWhole = (value: Value, least: number, most: number): value is number =>
  isNumber(value) && Number.isSafeInteger(value) && value >= least && value <= most;

/** The longest side that an operation makes, in pixels. */
export const MAX_SIDE = 16_384;

/** Percent. */
export const percent = number(0, 100);

/** A number above 0, such as a ratio of sides. */
export const positive: Parameter<number> = {
  takes: "a number above 0",
  read: (value) => (isNumber(value) && value > 0 ? value : undefined),
};

/** True or false. */
export const flag: Parameter<boolean> = {
  takes: "true or false",
  read: (value) => (typeof value === "boolean" ? value : undefined),
};

/** A name in quotes or bare. */
export const text: Parameter<string> = {
  takes: "a name",
  read: (value) => (typeof value === "string" && value !== "" ? value : undefined),
};

/** One of some names. */
export const oneOf = <T extends string>(names: readonly T[]): Parameter<T> => ({
  takes: `one of ${names.join(", ")}`,
  read: (value) => names.find((name) => name === value),
});

/** One of some numbers. */
export const oneOfNumbers = <T extends number>(numbers: readonly T[]): Parameter<T> => ({
  takes: numbers.join(" or "),
  read: (value) => numbers.find((it) => it === value),
});

/** A colour: white, black, or red, green and blue from 0 to 255. */
export const colour: Parameter<Colour> = {
  takes: `${Object.keys(COLOURS).join(", ")} or (red,green,blue) from 0 to 255`,
  read(value) {
    if (typeof value === "string") {
      return Object.hasOwn(COLOURS, value) ? COLOURS[value as keyof typeof COLOURS] : undefined;
    }
    if (!Array.isArray(value) || value.length !== 3) return undefined;
    const isByte = (part: Value) => isWhole(part, 0, 255);
    return (value as readonly Value[]).every(isByte) ? (value as unknown as Colour) : undefined;
  },
};

/** The side of the largest square that an operation makes. */
const MAX_SQUARE = 4096;

/** The extent of an image: a side, or a pair of height and width. */
export const extent: Parameter<readonly [height: number, width: number]> = {
  takes: `a whole number from 1 to ${MAX_SQUARE} or a pair (height,width) of no more pixels`,
  read(value) {
    const [height, width] = Array.isArray(value) ? (value as readonly Value[]) : [value, value];
    if (Array.isArray(value) && value.length !== 2) return undefined;
    if (!isWhole(height, 1, MAX_SIDE) || !isWhole(width, 1, MAX_SIDE)) return undefined;
    return height * width <= MAX_SQUARE ** 2 ? [height, width] : undefined;
  },
};

/** A list of what another parameter takes. */
export const listOf = <T>(item: Parameter<T>): Parameter<readonly T[]> => ({
  takes: `a list, each ${item.takes}`,
  read(value) {
    if (!Array.isArray(value) || value.length === 0) return undefined;
    const items = (value as readonly Value[]).map(item.read);
    return items.some((it) => it === undefined) ? undefined : (items as T[]);
  },
});

/** Either of two. */
export const either = <A, B>(a: Parameter<A>, b: Parameter<B>): Parameter<A | B> => ({
  takes: `${a.takes} or ${b.takes}`,
  read: (value) => a.read(value) ?? b.read(value),
});

/** A parameter with a default. */
export const byDefault = <T>(parameter: Parameter<T>, value: T): Parameter<T> => ({
  ...parameter,
  fallback: { value },
});

/** A parameter that may be null, which it is unless given. */
export const optional = <T>({ takes, read }: Parameter<T>): Parameter<T | null> => ({
  takes: `${takes}, or null`,
  read: (value) => (value === null ? null : read(value)),
  fallback: { value: null },
});

/** A parameter that is given by name only. */
export const byName = <T>(parameter: Parameter<T>): Parameter<T> => ({
  ...parameter,
  given: "keyword",
});

/** All arguments from here on. */
export const rest = <T>(item: Parameter<T>): Parameter<readonly T[]> => ({
  ...listOf(item),
  takes: item.takes,
  given: "rest",
});

/** `resize(size, method, antialias)`: the parameters that are known by their place. */
function signature(name: string, parameters: Parameters): string {
  const names = Object.entries(parameters)
    .filter(([, { given }]) => given !== "keyword")
    .map(([parameter, { given }]) => (given === "rest" ? `${parameter}, …` : parameter));
  return `${name}(${names.join(", ")})`;
}

/** The arguments of a call by parameter; an error says what the operation takes. */
export function readArguments({ name, args }: Call, parameters: Parameters) {
  const shown = signature(name, parameters);
  const positional = Object.keys(parameters).filter((key) => parameters[key].given !== "keyword");
  const last = positional.at(-1);
  const takesRest = last !== undefined && parameters[last].given === "rest";
  const given = new Map<string, Value>();
  let place = 0;
  for (const { name: keyword, value } of args) {
    const parameter = keyword ?? (takesRest ? last : positional[place++]);
    if (parameter === undefined) {
      const count = args.filter((argument) => argument.name === undefined).length;
      const plural = positional.length === 1 ? "argument" : "arguments";
      throw preprocessingError(`${shown} takes ${positional.length} ${plural}, not ${count}.`);
    }
    if (!Object.hasOwn(parameters, parameter)) {
      throw unknownName(`argument of ${shown}`, parameter, Object.keys(parameters), "config");
    }
    if (takesRest && parameter === last && keyword === undefined) {
      given.set(parameter, [...((given.get(parameter) ?? []) as readonly Value[]), value]);
    } else if (given.has(parameter)) {
      throw preprocessingError(`${shown}: ${parameter} is given twice.`);
    } else given.set(parameter, value);
  }
  return Object.fromEntries(
    Object.entries(parameters).map(([key, parameter]) => {
      const value = given.get(key);
      if (value === undefined) {
        if (!parameter.fallback) {
          throw preprocessingError(`${shown} needs ${key}, ${parameter.takes}.`);
        }
        return [key, parameter.fallback.value];
      }
      const read = parameter.read(value);
      if (read !== undefined) return [key, read];
      throw preprocessingError(
        `${shown}: ${key} takes ${parameter.takes}, not ${printValue(value)}.`,
      );
    }),
  );
}
