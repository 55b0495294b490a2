import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { findCases, readCase, readDescription } from "../../scripts/parity-cases.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { compareCase, familyOf } from "./index.ts";

const golden = fileURLToPath(new URL("../../tests/golden", import.meta.url));
const engine = createInterpreter();
const folders = await Promise.all(
  [
    "vit",
    "flexi",
    "mlp_mixer",
    "bit",
    "bit_paper",
    "posemb_resize",
    "losses",
    "optim",
    "preprocessing",
    "evaluators",
    "tokenizer",
    "metrics",
    "hf_vit",
    "hf_deit",
    "hf_beit",
    "hf_dinov2",
    "hf_vit_mae",
    "text_transformer",
    "naflex_vit",
    "two_towers",
    "cappa",
    "contrastive",
    "hf_siglip",
    "hf_siglip2",
    "hf_clip",
  ].map((family) => findCases(`${golden}/${family}`)),
);

test.each(folders.flat().map((folder) => [folder.slice(golden.length + 1), folder]))(
  "%s equals what was recorded",
  async (_name, folder) => {
    const description = await readDescription(folder);
    const given = await readCase(folder, description);
    const computed = await familyOf(description)!.compute(given, engine);
    const comparisons = compareCase(given, computed);
    expect(comparisons.length).toBeGreaterThan(0);
    expect(comparisons.filter(({ ok }) => !ok)).toEqual([]);
  },
);
