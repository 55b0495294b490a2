/** @file ONNX Runtime's profiles as rows: where the time of a run goes. */

import { OcelliError } from "../../../errors.ts";

/** The time of one node, or of all nodes of one operator. */
export interface ProfileRow {
  /** The operator, such as "MatMul". */
  readonly op: string;
  /** The node's name in the optimised graph; of the first node where rows are by operator. */
  readonly name: string;
  /** Milliseconds of all calls together. */
  readonly ms: number;
  readonly count: number;
  /** Shapes of the inputs of the last call, such as "float[8,196] · float[196]". */
  readonly shapes: string;
}

interface TraceEvent {
  readonly cat?: string;
  readonly name?: string;
  readonly dur?: number;
  readonly args?: {
    readonly op_name?: string;
    readonly input_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
  };
}

const KERNEL = "_kernel_time";

/**
 * The rows of a profile (the text of the JSON file that `RuntimeSession.endProfile` names), slowest first.
 *
 * @example
 * const rows = readProfile(await readFile(await session.endProfile(), "utf8"), "op");
 */
export function readProfile(json: string, by: "node" | "op" = "node"): ProfileRow[] {
  const rows = new Map<string, ProfileRow>();
  for (const { cat, name = "", dur = 0, args } of parse(json)) {
    if (cat !== "Node" || !name.endsWith(KERNEL)) continue;
    const node = name.slice(0, -KERNEL.length);
    const op = args?.op_name ?? "?";
    const key = by === "op" ? op : `${op} ${node}`;
    const row = rows.get(key);
    rows.set(key, {
      op,
      name: row?.name ?? node,
      ms: (row?.ms ?? 0) + dur / 1000,
      count: (row?.count ?? 0) + 1,
      shapes: (args?.input_type_shape ?? []).map(describe).join(" · "),
    });
  }
  return [...rows.values()].sort((a, b) => b.ms - a.ms);
}

function parse(json: string): readonly TraceEvent[] {
  try {
    const events: unknown = JSON.parse(json);
    if (Array.isArray(events)) return events as TraceEvent[];
  } catch (cause) {
    throw new OcelliError("format", "the profile is not JSON.", {
      hint: "A profile is complete only after endProfile().",
      cause,
    });
  }
  throw new OcelliError("format", "the profile is no list of events.");
}

const describe = (typed: Readonly<Record<string, readonly number[]>>): string =>
  Object.entries(typed)
    .map(([type, shape]) => `${type}[${shape.join(",")}]`)
    .join();
