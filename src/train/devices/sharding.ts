/** @file How a training's state and batches are split over a mesh: rules by parameter name. */

import type { Share } from "../../data/stream/share.ts";
import type { Engine } from "../../engines/engine.ts";
import { type Mesh, rowsAt, showMesh } from "../../engines/mesh.ts";
import { OcelliError, unknownName } from "../../errors.ts";
import { type Sharding, type Spec, sizeOf } from "../../graph/index.ts";
import { type Rule, compileRules, layerNames, stackOf } from "../../optim/index.ts";

/** What a rule says of the parameters that it names. */
export type ShardingRule =
  /** A copy on every device. */
  | "replicate"
  /** Cut along the longest axis that divides; a parameter of fewer elements than `minSize` is copied. */
  | { readonly fsdp: string; readonly minSize?: number }
  /** Cut along one axis of the parameter, counted from the end where negative. */
  | { readonly dim: number; readonly axis: string };

/** Elements below which splitting costs more than it saves. */
const MIN_SIZE = 1 << 16;

/** The state's leaves by path, such as `params/head/kernel` or `optimizer/rule/1/mu/head/kernel`. */
export type StateSharding = (path: string, leaf: Spec) => Sharding | undefined;

/**
 * How the leaves of a training state are split. Parameters follow the first rule that matches their name, or are copied
 * to every device; what the optimiser keeps in a parameter's shape is split like the parameter.
 *
 * @param params the parameters' specs by full name
 * @param stacked names under which scanned layers lie stacked; rules see the name and the axes of one layer
 * @example
 * shardState({ data: 8 }, [[".*", { fsdp: "data" }]], params);
 */
export function shardState(
  mesh: Mesh,
  rules: readonly Rule<ShardingRule>[],
  params: Readonly<Record<string, Spec>>,
  stacked: readonly string[] = [],
): StateSharding {
  const ruleOf = compileRules(rules);
  const shardings = Object.entries(params).map(([name, spec]) => {
    const layers = layerNames(name, spec.shape, stacked);
    const found = layers.map(ruleOf);
    if (found.some((rule) => rule !== found[0])) {
      throw new OcelliError("config", `the layers of ${name} must all be split the same way.`);
    }
    const isStack = stackOf(name, stacked) !== undefined;
    return [name, { spec, sharding: splitBy(mesh, found[0], name, spec, isStack) }] as const;
  });
  const byName = new Map(shardings);
  return (path, leaf) => {
    // the longest suffix that names a parameter: a state's tree ends in the parameters' names
    for (let at = 0; at >= 0; at = path.indexOf("/", at + 1)) {
      const found = byName.get(path.slice(at).replace(/^\//, ""));
      if (found && String(found.spec.shape) === String(leaf.shape)) return found.sharding;
    }
    return undefined;
  };
}

function splitBy(
  mesh: Mesh,
  rule: ShardingRule | undefined,
  name: string,
  { shape }: Spec,
  isStack: boolean,
): Sharding | undefined {
  if (rule === undefined || rule === "replicate") return undefined;
  const axis = "fsdp" in rule ? rule.fsdp : rule.axis;
  if (!Object.hasOwn(mesh, axis)) throw unknownName("mesh axis", axis, Object.keys(mesh), "config");
  const first = isStack ? 1 : 0;
  const along = (dim: number): Sharding => shape.map((_, i) => (i === dim ? axis : null));
  if ("fsdp" in rule) {
    const layer = shape.slice(first);
    if (sizeOf(layer) < (rule.minSize ?? MIN_SIZE)) return undefined;
    const fitting = layer.filter((extent) => extent % mesh[axis] === 0);
    return fitting.length > 0 ? along(first + layer.indexOf(Math.max(...fitting))) : undefined;
  }
  const dim = rule.dim < 0 ? shape.length + rule.dim : rule.dim + first;
  if (dim < first || dim >= shape.length || shape[dim] % mesh[axis] !== 0) {
    throw new OcelliError(
      "config",
      `${name} [${shape.slice(first).join(",")}] cannot be cut along its axis ${rule.dim} over the mesh ${showMesh(mesh)}.`,
      { hint: "The axis must exist and divide by the mesh axis." },
    );
  }
  return along(dim);
}

/** The rows of every batch that lie on this process's devices, where several compute together; undefined for all. */
export const shareOf = ({ mesh, part }: Engine, batchSize: number): Share | undefined =>
  mesh && part && Object.hasOwn(mesh, "data")
    ? rowsAt(mesh, batchSize, "data", part.places)
    : undefined;
