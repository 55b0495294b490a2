/** @file Cases of resized position embeddings: an output's name says how and between which grids. */

import { OcelliError } from "../../errors.ts";
import { resamplePosemb, resizePositions } from "../../models/index.ts";
import { type Arrays, inputOf } from "../case.ts";
import { compileNamed } from "../compute.ts";
import type { Family } from "../family.ts";

/** `vit_zoom/7_to_12` or `jax_image_resize_linear/7_to_4x4`: grids are square where one number is given. */
function parseName(name: string) {
  const [, how, from, rows, columns = rows] =
    /^(vit_zoom|jax_image_resize_linear)\/(\d+)_to_(\d+)(?:x(\d+))?$/.exec(name) ?? [];
  if (how === undefined) {
    throw new OcelliError("unsupported", `io.npz: out/${name} is not a resizing that is known.`);
  }
  const grid = [Number(rows), Number(columns)] as const;
  return { name, onHost: how === "vit_zoom", input: `old_${from}`, side: Number(from), grid };
}

export const posembResize: Family = {
  name: "posemb_resize",
  model: /resample_posemb/,
  async compute({ inputs, outputs }, engine) {
    const wanted = Object.keys(outputs).map(parseName);
    const onHost: Arrays = Object.fromEntries(
      wanted
        .filter((it) => it.onHost)
        .map(({ name, input, grid }) => [name, resamplePosemb(inputOf(inputs, input), grid)]),
    );
    const run = compileNamed(engine, (given) =>
      Object.fromEntries(
        wanted
          .filter((it) => !it.onHost)
          .map(({ name, input, side, grid }) => {
            return [name, resizePositions(inputOf(given, input), [side, side], grid)] as const;
          }),
      ),
    );
    return { outputs: { ...onHost, ...(await run(inputs)) } };
  },
};
