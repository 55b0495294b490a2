/** @file What a stored configuration says, read without its schema: a run may be of another version. */

/** An object as JSON gives it. */
export type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Folders and lists within one another, at most: what is deeper is no file of a run's. */
const DEPTH = 64;

/** A JSON text's object; an error where it is none, or nested too deeply to be gone through. */
export function parseObject(text: string): Json {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new Error("it is no JSON object");
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH) throw new Error(`it is nested more than ${DEPTH} deep`);
    level = level.flatMap((part) =>
      typeof part === "object" && part !== null ? (Object.values(part) as unknown[]) : [],
    );
  }
  return value;
}

/** The leaves of a configuration by their paths; lists are leaves, as JSON. */
export function flatten(config: Json, prefix = ""): Record<string, string | number | boolean> {
  const leaves: Record<string, string | number | boolean> = {};
  for (const [key, value] of Object.entries(config)) {
    const path = prefix + key;
    if (isObject(value) && Object.keys(value).length > 0) {
      Object.assign(leaves, flatten(value, `${path}.`));
    } else if (value !== undefined) {
      leaves[path] = typeof value === "object" ? JSON.stringify(value) : (value as string);
    }
  }
  return leaves;
}

/** The model in a few words, such as `vit Ti/16` or `vit 96×4`. */
export function modelTitle({ model }: Json): string {
  if (!isObject(model)) return "";
  const { name, variant, width, depth } = model;
  const size = variant ?? (width && depth ? `${String(width)}×${String(depth)}` : undefined);
  return [name, size].filter((part) => typeof part === "string").join(" ");
}

/** Steps of the training, where they follow from the configuration, and from the steps of an epoch if these are known. */
export function totalSteps(
  { duration, batchSize }: Json,
  perEpoch: number | undefined,
): number | undefined {
  if (!isObject(duration)) return undefined;
  const { steps, examples, epochs } = duration;
  if (typeof steps === "number") return steps;
  if (typeof examples === "number" && typeof batchSize === "number") {
    return Math.ceil(examples / batchSize);
  }
  if (typeof epochs === "number" && perEpoch !== undefined) return Math.round(epochs * perEpoch);
  return undefined;
}
