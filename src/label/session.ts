/** @file Labelling as it goes: what is labelled, what the model makes of the rest, and which pictures come next. */

import type { Engine } from "../engines/engine.ts";
import { OcelliError } from "../errors.ts";
import type { HostArray } from "../graph/index.ts";
import { isName } from "../formats/budget.ts";
import { type UnitRows, centredRows } from "../transfer/alike.ts";
import { L2_DEFAULT, fitSoftmax } from "../transfer/classification/heads.ts";
import { rowsOf } from "../transfer/classification/select.ts";
import { scoresOf } from "../transfer/classification/quality.ts";
import { groupAround, leastSure, mostTypical } from "./choose.ts";
import type { LabelsFile } from "./labels-file.ts";

/** What a model takes a picture for. */
export interface Guess {
  readonly name: string;
  /** From 0 to 1. */
  readonly probability: number;
}

/** What is to be seen. */
export interface LabelView {
  /** Which group this is: actions say it, so that one of an earlier group does nothing. */
  readonly turn: number;
  readonly total: number;
  readonly labelled: number;
  readonly skipped: number;
  readonly classes: readonly { readonly name: string; readonly count: number }[];
  /** Why these pictures. */
  readonly why: string;
  readonly pictures: readonly {
    readonly row: number;
    readonly file: string;
    readonly guess?: Guess;
  }[];
  /** The class that most of them are taken for. */
  readonly suggestion?: string;
  /** Of the last pictures that had a guess before they were labelled: how many there are, and how many were right. */
  readonly guessed: { readonly count: number; readonly right: number };
  readonly canUndo: boolean;
}

interface Action {
  readonly shown: readonly number[];
  readonly before: ReadonlyMap<number, string | undefined>;
  readonly skipped: readonly number[];
  readonly verdicts: number;
  /** The class that it added. */
  readonly added?: string;
}

interface Fitted {
  readonly guesses: ReadonlyMap<number, Guess & { readonly margin: number }>;
}

/** Pictures that the share of right guesses is of. */
const JUDGED = 50;

/** One sitting. Who acts on it does so by {@link LabelSession.inTurn}. */
export class LabelSession {
  readonly #engine: Engine;
  readonly #features: HostArray;
  readonly #unit: UnitRows;
  readonly #names: readonly string[];
  readonly #file: LabelsFile;
  readonly #classes: string[];
  readonly #skipped = new Set<number>();
  readonly #actions: Action[] = [];
  readonly #verdicts: boolean[] = [];
  #fitted: Fitted | undefined;
  #shown: readonly number[] = [];
  #why = "";
  #turn = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    engine: Engine,
    features: HostArray,
    names: readonly string[],
    file: LabelsFile,
    classes: readonly string[],
  ) {
    this.#engine = engine;
    this.#features = features;
    this.#unit = centredRows(features);
    this.#names = names;
    this.#file = file;
    const known = new Set(classes);
    for (const name of names) {
      const label = file.labels.get(name);
      if (label !== undefined) known.add(label);
    }
    this.#classes = [...known];
  }

  /**
   * Begins, or resumes what the table holds.
   *
   * @param features [pictures, features]
   * @param names of the pictures in the table
   * @param classes that are known before any label
   */
  static async begin(
    engine: Engine,
    features: HostArray,
    {
      names,
      file,
      classes = [],
    }: {
      readonly names: readonly string[];
      readonly file: LabelsFile;
      readonly classes?: readonly string[];
    },
  ): Promise<LabelSession> {
    const checked = classes.map(checkClass);
    const session = new LabelSession(engine, features, names, file, checked);
    await session.#learn();
    session.#choose([]);
    return session;
  }

  /** Does some work once all that was begun before has ended. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work);
    this.#last = next.catch(() => undefined);
    return next;
  }

  /** What is to be seen now. */
  view(): LabelView {
    const guesses = this.#fitted?.guesses;
    const pictures = this.#shown.map((row) => {
      const guess = guesses?.get(row);
      return {
        ...{ row, file: this.#names[row] },
        ...(guess && { guess: { name: guess.name, probability: guess.probability } }),
      };
    });
    const counts = new Map<string, number>();
    let labelled = 0;
    for (const name of this.#names) {
      const label = this.#file.labels.get(name);
      if (label === undefined) continue;
      labelled++;
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    const judged = this.#verdicts.slice(-JUDGED);
    const suggestion = commonest(pictures.flatMap(({ guess }) => guess?.name ?? []));
    return {
      turn: this.#turn,
      total: this.#names.length,
      labelled,
      skipped: this.#skipped.size,
      classes: this.#classes.map((name) => ({
        name,
        count: counts.get(name) ?? 0,
      })),
      why: this.#why,
      pictures,
      ...(suggestion !== undefined && { suggestion }),
      guessed: { count: judged.length, right: judged.filter((right) => right).length },
      canUndo: this.#actions.length > 0,
    };
  }

  /**
   * Labels pictures of the group that is shown, and writes them; the others of the group come again at once.
   *
   * @throws an argument error for a class that no table can hold; the errors of writing, after which nothing has changed
   */
  async label(rows: readonly number[], given: string): Promise<void> {
    const name = checkClass(given);
    const chosen = this.#chosen(rows);
    const before = new Map(chosen.map((row) => [row, this.#labelOf(row)]));
    await this.#file.set(new Map(chosen.map((row) => [this.#names[row], name])));
    const isNew = !this.#classes.includes(name);
    if (isNew) this.#classes.push(name);
    const guesses = chosen.flatMap((row) => this.#fitted?.guesses.get(row)?.name ?? []);
    this.#verdicts.push(...guesses.map((guess) => guess === name));
    this.#actions.push({
      shown: this.#shown,
      before,
      skipped: [],
      verdicts: guesses.length,
      ...(isNew && { added: name }),
    });
    const left = this.#shown.filter((row) => !chosen.includes(row));
    await this.#learn();
    this.#choose(left);
  }

  /** Puts pictures of the group off until the next sitting. */
  skip(rows: readonly number[]): void {
    const chosen = this.#chosen(rows);
    for (const row of chosen) this.#skipped.add(row);
    this.#actions.push({ shown: this.#shown, before: new Map(), skipped: chosen, verdicts: 0 });
    this.#choose(this.#shown.filter((row) => !chosen.includes(row)));
  }

  /** Takes the last action of this sitting back, and shows its group again. @throws the errors of writing */
  async undo(): Promise<void> {
    const action = this.#actions.at(-1);
    if (!action) return;
    const { before, skipped, shown, verdicts, added } = action;
    if (before.size > 0) {
      await this.#file.set(new Map([...before].map(([row, label]) => [this.#names[row], label])));
    }
    this.#actions.pop();
    for (const row of skipped) this.#skipped.delete(row);
    this.#verdicts.length -= verdicts;
    if (added !== undefined) this.#classes.splice(this.#classes.indexOf(added), 1); // a name that was mistyped
    if (before.size > 0) await this.#learn();
    this.#show(shown, "taken back");
  }

  get #rows(): number[] {
    return [...this.#names.keys()];
  }

  #labelOf(row: number): string | undefined {
    return this.#file.labels.get(this.#names[row]);
  }

  /** The rows of an action, which must be shown. */
  #chosen(rows: readonly number[]): number[] {
    const chosen = this.#shown.filter((row) => rows.includes(row));
    if (chosen.length === rows.length && chosen.length > 0) return chosen;
    throw new OcelliError("argument", "no picture of the group is chosen.", { given: rows });
  }

  /** Fits the head to all labels, and asks it about all other pictures. */
  async #learn(): Promise<void> {
    const labelled = this.#rows.filter((row) => this.#labelOf(row) !== undefined);
    const names = [...new Set(labelled.map((row) => this.#labelOf(row)!))].sort();
    if (names.length < 2) {
      this.#fitted = undefined;
      return;
    }
    const pick = (rows: readonly number[], label: (row: number) => number) =>
      rowsOf({ features: this.#features, labels: this.#rows.map(label) }, rows);
    const known = pick(labelled, (row) => names.indexOf(this.#labelOf(row) ?? ""));
    const [{ head }] = await fitSoftmax(this.#engine, known, names.length, [L2_DEFAULT]);
    const open = this.#rows.filter((row) => this.#labelOf(row) === undefined);
    const { logits } = scoresOf(
      pick(open, () => 0),
      head,
    );
    this.#fitted = { guesses: new Map(open.map((row, i) => [row, guessOf(logits[i], names)])) };
  }

  /** Chooses the next group, which holds what is left of the last one. */
  #choose(left: readonly number[]): void {
    const open = this.#rows.filter(
      (row) => this.#labelOf(row) === undefined && !this.#skipped.has(row),
    );
    const guesses = this.#fitted?.guesses;
    if (left.length > 0) this.#show(left, "the others of the last group");
    else if (open.length === 0) this.#show([], "every picture is labelled or skipped");
    else if (guesses) {
      const row = leastSure(open, (one) => guesses.get(one)!.margin);
      const taken = open.filter((one) => guesses.get(one)!.name === guesses.get(row)!.name);
      this.#show(groupAround(this.#unit, row, taken), "least sure, and most alike");
    } else {
      const seen = this.#rows.filter((row) => !open.includes(row));
      const row = mostTypical(this.#unit, open, seen);
      this.#show(groupAround(this.#unit, row, open), "typical, and most alike: no two classes yet");
    }
  }

  #show(rows: readonly number[], why: string): void {
    this.#shown = rows;
    this.#why = why;
    this.#turn++;
  }
}

function guessOf(logits: Float64Array, names: readonly string[]): Guess & { margin: number } {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const weights = logits.map((logit) => Math.exp(logit - most));
  const sum = weights.reduce((a, b) => a + b);
  const [first, second] = weights.toSorted((a, b) => b - a);
  const name = names[logits.indexOf(most)];
  return { name, probability: first / sum, margin: (first - second) / sum };
}

/** The text that comes most often, of equals the first; undefined where there is none. */
function commonest(texts: readonly string[]): string | undefined {
  const groups = [...Map.groupBy(texts, (text) => text)];
  return groups.sort(([, a], [, b]) => b.length - a.length)[0]?.[0];
}

/** A class name without blanks around it. @throws an argument error for one that no table can hold */
function checkClass(given: string): string {
  const name = given.trim().normalize();
  if (name !== "" && isName(name) && !/\p{Cc}/u.test(name)) return name;
  const problem = name === "" ? "is empty" : "is too long, or has characters that do not print";
  throw new OcelliError("argument", `the class name ${problem}.`, { given });
}
