/** @file The objective of a training: from its configuration to something that computes, a teacher loaded with it. */

import type { Config } from "../../config/config.ts";
import { OcelliError } from "../../errors.ts";
import type { HostArray, Spec } from "../../graph/index.ts";
import { type ModelCard, modelDefinition, positionGrid } from "../../models/index.ts";
import { modelSpecs } from "../../nn/index.ts";
import {
  type BatchSpec,
  type Objective,
  type ObjectiveGiven,
  type Teacher,
  type TeacherChoice,
  objectiveDefinition,
  objectiveInForms,
} from "../../objectives/index.ts";
import { taskOf, wholeModel } from "../../tasks/index.ts";
import { fromFlat } from "../../tree.ts";
import { fitWeights, loadWeights } from "../../weights/index.ts";
import { checkWeighs } from "./classification.ts";
import type { Telling } from "./initial.ts";
import { openOwn } from "../../served/own.ts";
import { fitted } from "../../served/trained.ts";

/** What is known when an objective is made, and whom to tell. */
interface Given extends Telling {
  readonly batch: BatchSpec;
  readonly card: Omit<ModelCard, "step">;
  /** How much each class weighs in the loss. Default: all the same. */
  readonly classWeights?: readonly number[];
  readonly totalSteps: number;
}

/**
 * The objective of a configuration, in each form that its model is trained in.
 *
 * @throws configuration errors where objective and model do not go together; those of reading a teacher
 */
export async function planObjective(
  { objective: { name, ...options }, seed }: Pick<Config, "objective" | "seed">,
  { batch, card, classWeights, totalSteps, ...telling }: Given,
): Promise<Objective> {
  const definition = objectiveDefinition(name);
  if (classWeights) checkWeighs(definition);
  const { model } = card;
  const teachers = new Map<string, Promise<Teacher>>();
  const make = async (form: object): Promise<Objective> => {
    const task = taskOf({ ...card, model: { ...model, ...form } });
    const whole = wholeModel(task);
    modelSpecs(whole, batch); // an error where the model does not take the examples
    const openTeacher: ObjectiveGiven["openTeacher"] = (from, image, key) => {
      const id = JSON.stringify(from);
      const teacher = teachers.get(id) ?? loadTeacher(from, { image, key, card, ...telling });
      teachers.set(id, teacher);
      return teacher;
    };
    const { model: net, heads } = task;
    const names = { names: card.names, classWeights, totalSteps, openTeacher };
    const given = { model: net, whole, heads, batch, task: card.task, ...names };
    return definition.create(options, given);
  };
  const forms = modelDefinition(model.name).forms?.(model, seed);
  if (!forms) return make({});
  const made: Objective[] = [];
  for (const form of forms.forms) made.push(await make(form));
  return objectiveInForms(made, forms.at);
}

/** A teacher that is asked for. */
interface TeacherRequest extends Telling {
  readonly image: Spec;
  /** The option that asks for it. */
  readonly key: string;
  readonly card: Omit<ModelCard, "step">;
}

/** A teacher, of a run or of published weights, whose answers are of the student's names. */
async function loadTeacher(from: TeacherChoice, request: TeacherRequest): Promise<Teacher> {
  if (typeof from !== "string") return publishedTeacher(from, request);
  const { image, key, card: student, note } = request;
  const checkpoint = await openOwn(from, note);
  for (const [field, names] of Object.entries(student.names)) {
    const theirs = checkpoint.card.names[field] ?? [];
    if (String(theirs) === String(names)) continue;
    const other = names.find((name, i) => name !== theirs[i]) ?? theirs[names.length];
    throw new OcelliError(
      "config",
      `${key}: ${from} was trained with other names of ${field} than the data has, or in another order: "${other}".`,
    );
  }
  const card = { ...checkpoint.card, imageShape: image.shape.slice(1) };
  const task = taskOf(card);
  if (!task.whole) {
    return { model: task.model, arrays: fitted(from, task, { ...checkpoint, card }) };
  }
  throw new OcelliError("config", `${key}: ${from} is a model of images and texts.`, {
    hint: "A teacher is a model of images alone.",
  });
}

async function publishedTeacher(
  { model: choice, weights }: Exclude<TeacherChoice, string>,
  { image, card, ...telling }: TeacherRequest,
): Promise<Teacher> {
  const { model } = taskOf({ ...card, model: choice });
  const { arrays } = await loadWeights(weights, telling);
  const grid = positionGrid(choice, image.shape.slice(1));
  const { params, variables, resized } = fitWeights(weights, arrays, modelSpecs(model, image), {
    grid,
  });
  for (const line of resized) telling.note(`${weights}: resized ${line}`);
  return { model, arrays: { params: fromFlat<HostArray>(params), variables: fromFlat(variables) } };
}
