import { describe, expect, it } from "vitest";
import { COMPOSITES, type Program, type Tensor, primitives, trace } from "../../src/graph/index.ts";
import { families } from "./cases/index.ts";
import { readResults } from "./fixtures.ts";
import { instancesOf, outputsOf } from "./table.ts";

const rows = Object.values(families).flat();

/** The primitives and composites of a program, those inside regions included. */
function namesIn(program: Program): string[] {
  return program.equations.flatMap(({ primitive, attrs }) => {
    const { name, ...rest } = attrs as { name?: string };
    const inner = Object.values(rest).filter(
      (value): value is Program =>
        typeof value === "object" && value !== null && "equations" in value,
    );
    return [name ?? primitive.name, primitive.name, ...inner.flatMap(namesIn)];
  });
}

describe("the contract", () => {
  it.for([...Object.keys(primitives), ...COMPOSITES])("has a row about %s", (name) => {
    const about = rows.filter(({ of }) => of === name || (name === "composite" && isComposite(of)));
    expect(about).not.toEqual([]);
  });

  it.for(Object.entries(families))(
    "has JAX's results for the rows of %s, and no others",
    ([family, cases]) => {
      const ids = cases
        .filter(({ expected }) => !expected)
        .flatMap(instancesOf)
        .map(({ id }) => id);
      expect(Object.keys(readResults(family) as object).sort()).toEqual(ids.sort());
    },
  );

  it("names every row once", () => {
    const names = rows.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it("has rows that are about what they say", () => {
    const astray = rows.filter((row) => {
      const inputs = instancesOf(row)[0].example(0);
      const { program } = trace((...xs: Tensor[]) => outputsOf(row, xs), ...inputs);
      return !namesIn(program).includes(row.of);
    });
    expect(astray.map(({ name }) => name)).toEqual([]);
  });
});

const isComposite = (name: string): boolean => (COMPOSITES as readonly string[]).includes(name);
