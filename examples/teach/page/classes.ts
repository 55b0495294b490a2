/** @file The classes of the page: their cards, their pictures, the way back, and what of them is kept in this browser. */

import { ClassCard } from "./class-card.ts";
import { make } from "../../page/dom.ts";
import { History } from "./history.ts";
import type { Learner } from "./learner.ts";
import { type Camera, fileOf, shown } from "./pictures.ts";
import type { Store, StoredClass } from "./store.ts";

/** Told apart by people who see few colours, too. */
const COLOURS = ["#0b7285", "#c2410c", "#6d28d9", "#15803d", "#be185d", "#854d0e"];

/** What the classes need of the page. */
export interface ClassesContext {
  readonly learner: Learner;
  readonly store: Store;
  readonly camera: Camera;
  readonly undo: HTMLButtonElement;
  /** A name, a class or a picture has changed. */
  changed(): void;
}

/** All classes that the page shows. */
export class Classes {
  readonly #root: HTMLElement;
  readonly #context: ClassesContext;
  readonly #history = new History();
  /** Small pictures by example, of removed ones too: an undo brings them back. */
  readonly #small = new Map<number, HTMLCanvasElement>();
  readonly #looks: number[] = [];
  #cards: ClassCard[] = [];
  #made = 0;
  #examples = 0;

  constructor(root: HTMLElement, context: ClassesContext) {
    this.#root = root;
    this.#context = context;
  }

  /** Mean milliseconds of a picture's features; undefined before the first. */
  get millisecondsOfLook(): number | undefined {
    const { length } = this.#looks;
    return length === 0 ? undefined : this.#looks.reduce((sum, time) => sum + time, 0) / length;
  }

  stored = (): StoredClass[] =>
    this.#cards.map(({ name, colour, examples }) => ({ name, colour, examples: [...examples] }));

  /** What is shown, to be compared. */
  shown = (): string => JSON.stringify(this.#cards.map(({ name, examples }) => [name, examples]));

  colourAt = (index: number): string =>
    this.#cards[index]?.colour ?? COLOURS[index % COLOURS.length];

  /** Why training cannot begin; undefined where it can. */
  missing(): string | undefined {
    const names = this.#cards.map((card) => card.name);
    if (names.length < 2) return "Two classes are the least.";
    if (names.some((name) => name === "")) return "Every class needs a name.";
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) return `Two classes are called ${twice}.`;
    const empty = this.#cards.find((card) => card.examples.length === 0);
    return empty && `${empty.name} has no pictures yet.`;
  }

  /** Another class without pictures. */
  add(): ClassCard {
    const colour = COLOURS[this.#made++ % COLOURS.length];
    const card = this.#place({ name: `Class ${this.#made}`, colour, examples: [] });
    this.#changed();
    return card;
  }

  /** Begins anew, with classes of these names and no pictures. */
  begin(names: readonly string[] = ["Class 1", "Class 2"]): void {
    this.#made = names.length;
    const classes = names.map((name, i) => ({ name, colour: COLOURS[i % COLOURS.length] }));
    this.#show(classes.map((one) => ({ ...one, examples: [] })));
    this.#begun();
  }

  /** Brings back what was kept; the worker has the features again. */
  async restore(classes: readonly StoredClass[]): Promise<void> {
    const { store, learner } = this.#context;
    const ids = new Set(classes.flatMap(({ examples }) => examples));
    const found = new Set<number>();
    for (const id of ids) {
      const example = await store.example(id);
      if (!example) continue;
      this.#small.set(id, shown(await createImageBitmap(example.seen)));
      await learner.ask("restore", { example: id, features: example.features });
      found.add(id);
    }
    await store.keepOnly(ids);
    this.#examples = Math.max(-1, ...ids) + 1;
    this.#made = classes.length;
    this.#show(
      classes.map((one) => ({ ...one, examples: one.examples.filter((id) => found.has(id)) })),
    );
    this.#begun();
  }

  /** One change back. */
  undo(): void {
    if (this.#history.isEmpty) return;
    this.#show(this.#history.back());
    this.#changed();
  }

  #begun(): void {
    this.#history.begin(this.stored());
    this.#changed();
  }

  #changed(): void {
    this.#history.note(this.stored());
    this.#context.undo.disabled = this.#history.isEmpty;
    this.#context.changed();
  }

  #show(classes: readonly StoredClass[]): void {
    for (const card of this.#cards) card.dispose();
    this.#cards = [];
    for (const one of classes) this.#place(one);
  }

  #place(one: StoredClass): ClassCard {
    const card = new ClassCard(one, {
      camera: this.#context.camera,
      keep: (picture) => this.#keep(picture),
      small: (example) => this.#small.get(example) ?? make("canvas"),
      changed: () => this.#changed(),
      removed: (gone) => {
        this.#cards = this.#cards.filter((card) => card !== gone);
        gone.dispose();
        this.#changed();
      },
    });
    this.#cards.push(card);
    this.#root.append(card.element);
    return card;
  }

  async #keep(bitmap: ImageBitmap): Promise<number> {
    const { learner, store } = this.#context;
    const example = this.#examples++;
    const { seen, features, milliseconds } = await learner.ask("keep", { example, bitmap });
    this.#looks.push(milliseconds);
    await store.saveExample(example, { features, seen: await fileOf(seen) });
    this.#small.set(example, shown(seen));
    return example;
  }
}
