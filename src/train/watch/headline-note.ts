/** @file Whether a task's own evaluators give the value that the task is judged by. */

import { type Headline, valueName } from "../../runs/headline.ts";
import { taskDefinition } from "../../tasks/index.ts";
import type { Plan } from "../plan/plan.ts";

/** A line that says so where the task's first evaluator ran and did not give the task's value; else undefined. */
export function headlineNote(
  { card, source, headline, evaluations }: Plan,
  found: Headline | undefined,
): string | undefined {
  const { name, evaluators } = taskDefinition(card.task.name);
  const [first] = evaluators(source.fields, card.task);
  const ran = evaluations.some(({ type }) => type === first);
  if (!ran || valueName(found?.metric ?? "") === headline.metric) return undefined;
  return `the task ${name} is judged by ${headline.metric}, which its evaluator ${first} does not give`;
}
