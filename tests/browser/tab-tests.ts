/** @file What the contract suite uses of vitest, for a page: `servePage` puts it in vitest's place there. */

type Body = () => unknown;

interface Test {
  /** The names of the outermost `describe` around it and of all others, the test's own last. */
  readonly path: readonly string[];
  readonly run: Body;
}

/** A test that failed, and why. */
export interface Failure {
  readonly name: string;
  readonly error: string;
}

const tests: Test[] = [];
const [before, after]: [Body[], Body[]] = [[], []];
let groups: readonly string[] = [];

export function describe(name: string, body: () => void): void {
  const outer = groups;
  groups = [...outer, name];
  body();
  groups = outer;
}

export const beforeAll = (body: Body): unknown => before.push(body);
export const afterAll = (body: Body): unknown => after.push(body);

/** `$key` stands for a field of a row, `%s` for its first entry. */
const named = (name: string, row: unknown): string =>
  name
    .replace(/\$(\w+)/g, (_, key: string) => String((row as Record<string, unknown>)[key]))
    .replace("%s", () => String((row as readonly unknown[])[0]));

export const it = Object.assign(
  (name: string, run: Body): unknown => tests.push({ path: [...groups, name], run }),
  {
    for:
      <Row>(rows: readonly Row[]) =>
      (name: string, run: (row: Row) => unknown): void => {
        for (const row of rows) it(named(name, row), () => run(row));
      },
  },
);

const show = (value: unknown): string => JSON.stringify(value) ?? String(value);

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

const isEqual = (a: unknown, b: unknown): boolean =>
  Object.is(a, b) ||
  (typeof a === "object" &&
    typeof b === "object" &&
    a !== null &&
    b !== null &&
    Array.isArray(a) === Array.isArray(b) &&
    Object.keys(a).length === Object.keys(b).length &&
    Object.entries(a).every(([key, value]) => isEqual(value, (b as Record<string, unknown>)[key])));

const matchers = (actual: unknown) => ({
  toBe: (wanted: unknown) =>
    check(Object.is(actual, wanted), `${show(actual)} is not ${show(wanted)}`),
  toEqual: (wanted: unknown) =>
    check(isEqual(actual, wanted), `${show(actual)} does not equal ${show(wanted)}`),
  toBeLessThanOrEqual: (most: number) =>
    check((actual as number) <= most, `${show(actual)} is above ${most}`),
});

/** The assertions of the suite, and no others. */
export const expect = (actual: unknown) => ({
  ...matchers(actual),
  rejects: {
    async toMatchObject(wanted: Readonly<Record<string, unknown>>): Promise<void> {
      const error = await (actual as Promise<unknown>).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      check(error !== undefined, `nothing was thrown where ${show(wanted)} was expected`);
      for (const [key, value] of Object.entries(wanted)) {
        const given = (error as Record<string, unknown>)[key];
        check(isEqual(given, value), `${String(error)}: ${key} is ${show(given)}`);
      }
    },
  },
});

/** The groups of the tests: their outermost `describe`, or "" where they have none. */
export const testGroups = (): string[] => [
  ...new Set(tests.map(({ path }) => (path.length > 1 ? path[0] : ""))),
];

/** Runs the tests of a group one by one. */
export async function runGroup(group: string): Promise<{ ran: number; failures: Failure[] }> {
  const chosen = tests.filter(({ path }) => (path.length > 1 ? path[0] : "") === group);
  const failures: Failure[] = [];
  for (const body of before) await body();
  for (const { path, run } of chosen) {
    try {
      await run();
    } catch (error) {
      failures.push({ name: path.join(" > "), error: String(error) });
    }
  }
  for (const body of after) await body();
  return { ran: chosen.length, failures };
}
