/** @file One class: its name, and the pictures that were shown of it. */

import { make, takesFiles } from "../../page/dom.ts";
import { Camera, pictureOf } from "./pictures.ts";
import type { StoredClass } from "./store.ts";

/** What a card needs of the page. */
export interface CardContext {
  readonly camera: Camera;
  /** Takes a picture in; resolves to the number under which it is kept. */
  keep(picture: ImageBitmap): Promise<number>;
  /** The small picture of an example. */
  small(example: number): HTMLElement;
  /** Something has changed: a name, or pictures. */
  changed(): void;
  removed(card: ClassCard): void;
}

/** Between pictures while the button is held, in milliseconds. */
const EVERY = 200;
/** Pictures under way at most, so that a slow machine is not buried. */
const UNDER_WAY = 3;

/** One class on the page. */
export class ClassCard {
  readonly element: HTMLElement;
  readonly colour: string;
  readonly examples: number[];
  readonly #context: CardContext;
  readonly #name: HTMLInputElement;
  readonly #view = make("div", { class: "view", hidden: true });
  readonly #hold: HTMLButtonElement;
  readonly #count = make("p", { class: "count", role: "status" });
  readonly #pictures = make("div", { class: "pictures" });
  #underWay = 0;
  #problem = "";
  #holding: ReturnType<typeof setInterval> | undefined;

  constructor({ name, colour, examples }: StoredClass, context: CardContext) {
    this.#context = context;
    this.colour = colour;
    this.examples = [...examples];
    this.#name = make("input", {
      value: name,
      "aria-label": "Name of the class",
      maxlength: "40",
      spellcheck: "false",
      autocomplete: "off",
      input: () => this.#renamed(),
    });
    this.#hold = make("button", { type: "button", hidden: true }, "Hold to take pictures");
    const files = make("input", {
      type: "file",
      accept: "image/*",
      multiple: true,
      class: "hidden",
      "aria-label": `Pictures of ${name}`,
    });
    const open = make("button", { type: "button", class: "plain" }, "Camera");
    open.addEventListener("click", () => void this.#toggleCamera(open));
    open.hidden = !Camera.possible;
    const remove = make(
      "button",
      { type: "button", class: "bare", "aria-label": "Remove this class" },
      "×",
    );
    remove.addEventListener("click", () => this.#context.removed(this));
    this.element = make(
      "article",
      { class: "card class", style: `--class: ${colour}` },
      make("div", { class: "row" }, this.#name, remove),
      this.#view,
      make(
        "div",
        { class: "row" },
        this.#hold,
        make("label", { class: "button plain" }, "Choose files", files),
        open,
      ),
      this.#pictures,
      this.#count,
    );
    takesFiles(this.element, files, (chosen) => void this.#takeFiles(chosen));
    this.#listenToHold();
    for (const example of this.examples) this.#pictures.prepend(this.#removable(example));
    this.#label();
    this.#show();
  }

  get name(): string {
    return this.#name.value.trim();
  }

  /** Gives its pictures up. */
  dispose(): void {
    this.#release();
    if (this.#view.contains(this.#context.camera.video)) this.#context.camera.stop();
    this.element.remove();
  }

  #renamed(): void {
    this.#label();
    this.#context.changed();
  }

  #label(): void {
    this.element.setAttribute("aria-label", `Class ${this.name}`);
    this.element
      .querySelector("input[type=file]")!
      .setAttribute("aria-label", `Pictures of ${this.name}`);
  }

  async #toggleCamera(button: HTMLButtonElement): Promise<void> {
    const { camera } = this.#context;
    if (!this.#view.hidden) return camera.stop();
    const seen = (is: boolean): void => {
      this.#view.hidden = this.#hold.hidden = !is;
      button.textContent = is ? "Camera off" : "Camera";
      this.#release();
    };
    try {
      await camera.show(this.#view, () => seen(false));
      seen(true);
    } catch (error) {
      this.#tell((error as Error).message);
    }
  }

  /** Pictures for as long as the button is held; by keyboard one for each press. */
  #listenToHold(): void {
    this.#hold.addEventListener("pointerdown", (event) => {
      this.#hold.setPointerCapture(event.pointerId);
      void this.#takeFrame();
      this.#holding = setInterval(() => void this.#takeFrame(), EVERY);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.#hold.addEventListener(end, () => this.#release());
    }
    this.#hold.addEventListener("click", ({ detail }) => {
      if (detail === 0) void this.#takeFrame();
    });
    this.#hold.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  #release(): void {
    clearInterval(this.#holding);
    this.#holding = undefined;
  }

  async #takeFrame(): Promise<void> {
    if (this.#underWay >= UNDER_WAY) return;
    this.#problem = "";
    await this.#take(() => this.#context.camera.picture());
  }

  async #takeFiles(files: readonly File[]): Promise<void> {
    this.#problem = "";
    for (const file of files) await this.#take(() => pictureOf(file));
  }

  async #take(open: () => Promise<ImageBitmap>): Promise<void> {
    this.#underWay++;
    this.#show();
    try {
      const picture = await open();
      const example = await this.#context.keep(picture);
      this.examples.push(example);
      this.#pictures.prepend(this.#removable(example));
      this.#context.changed();
    } catch (error) {
      this.#problem = (error as Error).message;
    }
    this.#underWay--;
    this.#show();
  }

  /** A thumbnail that is taken away by a click. */
  #removable(example: number): HTMLButtonElement {
    const button = make("button", {
      type: "button",
      class: "picture",
      "aria-label": "Remove this picture",
      title: "Remove this picture",
    });
    button.append(this.#context.small(example));
    button.addEventListener("click", () => {
      this.examples.splice(this.examples.indexOf(example), 1);
      button.remove();
      this.#tell("");
      this.#context.changed();
    });
    return button;
  }

  #tell(problem: string): void {
    this.#problem = problem;
    this.#show();
  }

  #show(): void {
    const { length } = this.examples;
    const count = length === 1 ? "1 picture" : `${length} pictures`;
    const busy = this.#underWay > 0 ? ", looking at more …" : "";
    const none = length === 0 && this.#underWay === 0;
    this.#count.textContent =
      this.#problem || (none ? "Drop pictures here, or choose some." : count + busy);
    this.#count.classList.toggle("problem", this.#problem !== "");
  }
}
