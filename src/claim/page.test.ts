import { expect, test } from "vitest";
import { type ClaimResult } from "./result.ts";
import { spread } from "./claim.ts";
import { defineClaim } from "./define.ts";
import { claimsPage } from "./page.ts";
import { claimTable, tableIn, withTable } from "./table.ts";

const recipeless = () => Promise.reject(new Error("not trained"));
const claim = defineClaim({
  name: "wider",
  headline: "Wider <is> better.",
  data: { name: "mnist" },
  tune: { lr: [0.001, 0.01] },
  arms: { narrow: recipeless, wide: recipeless },
  checks: [
    { text: "wide over narrow", difference: (of) => of("wide") - of("narrow"), margin: 0.1 },
  ],
  plots: [
    {
      title: "Accuracy over width",
      axis: "width",
      log: true,
      lines: {
        one: [
          { x: 8, arm: "narrow" },
          { x: 64, arm: "wide" },
        ],
      },
    },
  ],
});

const arm = (accuracies: readonly number[]) => ({
  tuned: { lr: 0.01 },
  tried: [
    { tuned: { lr: 0.001 }, value: 0.4 },
    { tuned: { lr: 0.01 }, value: 0.5 },
  ],
  values: accuracies.map((accuracy) => ({ accuracy })),
  metric: spread(accuracies),
});

const difference = spread([0.2, 0.1, 0.06]);
const result: Omit<ClaimResult, "table"> = {
  claim: "wider",
  headline: claim.headline,
  scale: "full",
  metric: "accuracy",
  seeds: [0, 1, 2],
  arms: { narrow: arm([0.5, 0.6, 0.61]), wide: arm([0.7, 0.7, 0.67]) },
  checks: [{ text: "wide over narrow", margin: 0.1, ...difference, holds: true, isOpen: true }],
  holds: true,
  seconds: 1,
  workdir: "runs",
  interrupted: false,
};
const table = claimTable(claim, result);

test("a mean has its deviation and its standard error", () => {
  const { mean, deviation, error } = spread([1, 2, 3]);
  expect([mean, deviation]).toEqual([2, 1]);
  expect(error).toBeCloseTo(1 / Math.sqrt(3), 12);
  expect(spread([5])).toEqual({ mean: 5, deviation: 0, error: 0 });
});

test("a table shows differences with their standard errors, and which are within them", () => {
  expect(table).toContain("decided before the first full run");
  expect(table).toContain("0.12 ± 0.0416"); // 0.0721 / √3
  expect(table).toMatch(/\| yes, within its error \|/);
});

test("a table is read back from a README", () => {
  const readme = "a\n<!-- claim wider: begin -->\n<!-- claim wider: end -->\nb";
  expect(tableIn(readme, "wider")).toBeUndefined();
  expect(tableIn(withTable(readme, "wider", table), "wider")).toBe(table);
  expect(tableIn("no markers", "wider")).toBeUndefined();
});

test("the page has verdict, tables and plots of a claim that was run", () => {
  const page = claimsPage([{ claim, result: { ...result, table }, table: undefined }], "full");
  expect(page).toContain("Wider &lt;is&gt; better.");
  expect(page).toContain("1 of 1; 1 within the error");
  expect(page.match(/<svg\s+viewBox="0 0 5/g)).toHaveLength(3); // width, rates, arms
  expect(page).toContain("one: 57 % ± 3.512 % at 8, 69 % ± 1 % at 64.");
  expect(page).toContain("narrow: 40 % at 0.001, 50 % at 0.01; wide: 40 % at 0.001, 50 % at 0.01.");
  expect(page).not.toContain("NaN");
  expect(page).toContain("<td>0.12 ± 0.0416</td>");
});

test("a claim that was not run keeps the table of its README, and one that failed says why", () => {
  const entries = [
    { claim, result: undefined, table },
    { claim, result: undefined, table: undefined, problem: "no images" },
  ];
  const page = claimsPage(entries, "full");
  expect(page).toContain(
    "No run of these settings is at hand. The table is that of the room, which says what it was run with.",
  );
  expect(page).toContain("<td>0.12 ± 0.0416</td>");
  expect(page).toContain('<p class="wrong">no images</p>');
});

test("a diverged arm leaves a gap in a plot", () => {
  const gone = { ...arm([0.5]), values: [{ diverged: 1, accuracy: NaN }], metric: spread([NaN]) };
  const arms = { ...result.arms, narrow: gone };
  const page = claimsPage(
    [{ claim, result: { ...result, arms, table }, table: undefined }],
    "full",
  );
  expect(page).toContain("one: 69 % ± 1 % at 64.");
  expect(page).not.toContain("NaN");
});

test("a plot of an arm that is not there is refused", () => {
  const plots = [{ title: "T", axis: "x", lines: { one: [{ x: 1, arm: "wdie" }] } }];
  expect(() => defineClaim({ ...claim, plots })).toThrow('the plot "T" names no arm: wdie.');
});
