/** @file Configurations of earlier versions under today's keys. */

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * A stored configuration with keys that have moved in their new places: `objective.flexi` is `model.flexi`, and `seqhw`
 * of an evaluation is an option of its `model`.
 */
export function migrateConfig(stored: unknown): unknown {
  if (!isObject(stored)) return stored;
  const { objective, model, evals, ...others } = stored;
  const { flexi, ...aims } = isObject(objective) ? objective : {};
  return {
    ...others,
    ...(objective !== undefined && { objective: isObject(objective) ? aims : objective }),
    ...(model !== undefined && {
      model: isObject(model) && flexi !== undefined ? { ...model, flexi } : model,
    }),
    ...(evals !== undefined && { evals: isObject(evals) ? migrateEvals(evals) : evals }),
  };
}

const migrateEvals = (evals: Json): Json =>
  Object.fromEntries(
    Object.entries(evals).map(([name, evaluation]) => {
      if (!isObject(evaluation) || evaluation.seqhw === undefined) return [name, evaluation];
      const { seqhw, ...options } = evaluation;
      return [name, { ...options, model: { seqhw } }];
    }),
  );
