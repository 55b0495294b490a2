import { expect, test } from "vitest";
import { PROMPT_TEMPLATES, classPrompts } from "./prompts.ts";

test("the first name of each class stands in every template, without punctuation and capitals", () => {
  const { texts, labels } = classPrompts(["Tench, Tinca_tinca", "jack-o'-lantern"], {
    templates: ["A photo of the large {}.", "itap: {}!"],
  });
  expect(texts).toEqual([
    "a photo of the large tench",
    "itap tench",
    "a photo of the large jackolantern",
    "itap jackolantern",
  ]);
  expect(labels).toEqual([0, 0, 1, 1]);
});

test("with aliases every name makes all prompts", () => {
  const { texts, labels } = classPrompts(["tench, Tinca_tinca,"], {
    ...{ templates: PROMPT_TEMPLATES.clip_best, aliases: true },
  });
  expect(texts).toHaveLength(16);
  expect(texts.slice(7, 9)).toEqual(["tench", "itap of a tinca tinca"]);
  expect(new Set(labels)).toEqual(new Set([0]));
});

test("as they are written where that is asked for", () => {
  const options = { templates: ["A {}."], canonical: false };
  expect(classPrompts(["Cat's $& eye"], options).texts).toEqual(["A Cat's $& eye."]);
});

test("what makes no prompt is one error that names it", () => {
  expect(() => classPrompts(["cat", " ,!"])).toThrow(
    'class 1 (" ,!") has no name to make a prompt of.',
  );
  expect(() => classPrompts(["cat"], { templates: ["a photo"] })).toThrow(
    'the template "a photo" must have one {} for the name.',
  );
  expect(() => classPrompts(["cat"], { templates: ["{} and {}"] })).toThrow("must have one {}");
});
