import { expect, test } from "vitest";
import { describeForm, readForm } from "./form.ts";

test("a form's settings stay texts, empty fields are none, and one that begins with dashes is a value", () => {
  const values = { seed: "7", "model.width": "--resume" };
  expect(readForm({ recipe: "a", name: "ein_Lauf-1.b", data: "", values }, ["a"])).toEqual({
    ...{ recipe: "a", name: "ein_Lauf-1.b", data: undefined, engine: undefined },
    values: [
      ["seed", "7"],
      ["model.width", "--resume"],
    ],
  });
});

test.each(["", ".", "..", "-a", "a/b", "a\\b", "a b", "a\n", "a".repeat(101)])(
  "a run is not called %j",
  (name) => {
    expect(() => readForm({ recipe: "a", name }, ["a"])).toThrow("a run's name has letters");
  },
);

test("what is no configuration is not offered", async () => {
  const recipe = (name: string, config: unknown) => ({
    ...{ name, summary: "", load: () => Promise.resolve(config) },
  });
  const { recipes } = await describeForm([
    recipe("one", { model: { width: 8 }, data: { name: "mnist" } }),
    recipe("sweep", { base: {}, grid: {} }),
    recipe("nothing", null),
  ]);
  expect(recipes).toEqual([
    {
      name: "one",
      summary: "",
      needsData: false,
      values: { "model.width": 8, "data.name": "mnist" },
    },
  ]);
});
