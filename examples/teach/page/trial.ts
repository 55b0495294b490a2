/** @file What the model says of new pictures: from files one by one, from the camera without end. */

import { make, takesFiles } from "./dom.ts";
import { Camera, pictureOf, shown } from "./pictures.ts";

/** What the trial needs of the page. */
export interface TrialContext {
  readonly camera: Camera;
  /** Probabilities of the classes for a picture, what the model sees of it, and how long that took. */
  look(picture: ImageBitmap): Promise<{
    readonly probabilities: readonly number[];
    readonly seen: ImageBitmap;
    readonly milliseconds: number;
  }>;
}

/** A class as it is shown. */
export interface ShownClass {
  readonly name: string;
  readonly colour: string;
}

/** Pictures kept in view. */
const KEPT = 12;

const percent = (part: number): string => `${Math.round(100 * part)} %`;

/** The part of the page where the model is tried. */
export class Trial {
  readonly #context: TrialContext;
  readonly #view = make("div", { class: "view", hidden: true });
  readonly #bars = make("ul", { class: "bars" });
  readonly #verdict = make("p", { class: "verdict", role: "status" });
  readonly #tried = make("ul", { class: "tried", "aria-label": "Pictures that were tried" });
  readonly #controls: HTMLElement;
  #classes: readonly ShownClass[] = [];
  #live = false;

  constructor(root: HTMLElement, context: TrialContext) {
    this.#context = context;
    const files = make("input", {
      type: "file",
      accept: "image/*",
      multiple: true,
      class: "hidden",
      "aria-label": "New pictures to try",
    });
    const open = make("button", { type: "button", class: "plain" }, "Camera");
    open.addEventListener("click", () => void this.#toggleCamera(open));
    open.hidden = !Camera.possible;
    const choose = make("label", { class: "button plain" }, "Choose files", files);
    this.#controls = make("div", { class: "row", hidden: true }, choose, open);
    root.append(this.#controls, this.#view, this.#verdict, this.#bars, this.#tried);
    takesFiles(root, files, (chosen) => void this.#takeFiles(chosen));
    this.#verdict.textContent = "Once it is trained, show it pictures that it has not seen.";
  }

  /** The model knows these classes now. */
  ready(classes: readonly ShownClass[]): void {
    this.#classes = classes;
    this.#controls.hidden = false;
    this.#tried.replaceChildren();
    this.#bars.replaceChildren();
    this.#verdict.textContent = "Drop new pictures here, choose some, or use the camera.";
  }

  async #toggleCamera(button: HTMLButtonElement): Promise<void> {
    const { camera } = this.#context;
    if (this.#live) return camera.stop();
    const seen = (is: boolean): void => {
      this.#live = is;
      this.#view.hidden = !is;
      button.textContent = is ? "Camera off" : "Camera";
    };
    try {
      await camera.show(this.#view, () => seen(false));
      seen(true);
      while (this.#live) await this.#show(await camera.picture());
    } catch (error) {
      this.#verdict.textContent = (error as Error).message;
    }
  }

  async #takeFiles(files: readonly File[]): Promise<void> {
    if (this.#classes.length === 0) return;
    for (const file of files) {
      try {
        const picture = await pictureOf(file);
        const { best, seen } = await this.#show(picture);
        const caption = `${best.name} ${percent(best.probability)}`;
        const row = make("li", { style: `--class: ${best.colour}` }, shown(seen), caption);
        row.setAttribute("data-file", file.name);
        row.setAttribute("data-class", best.name);
        row.setAttribute("data-probability", String(best.probability));
        this.#tried.prepend(row);
        while (this.#tried.children.length > KEPT) this.#tried.lastElementChild!.remove();
      } catch (error) {
        this.#verdict.textContent = (error as Error).message;
      }
    }
  }

  /** Shows what the model says; resolves to the surest class, and to what the model sees. */
  async #show(picture: ImageBitmap) {
    const { probabilities, seen, milliseconds } = await this.#context.look(picture);
    const rows = this.#classes.map((shown, k) => ({ ...shown, probability: probabilities[k] }));
    const best = rows.reduce((a, b) => (b.probability > a.probability ? b : a));
    this.#verdict.replaceChildren(
      make("strong", { style: `--class: ${best.colour}` }, best.name),
      ` ${percent(best.probability)}`,
      make("small", {}, ` ${Math.round(milliseconds)} ms`),
    );
    this.#bars.replaceChildren(
      ...rows.map(({ name, colour, probability }) =>
        make(
          "li",
          { style: `--class: ${colour}` },
          make("span", {}, name),
          make("div", { class: "bar", style: `--part: ${100 * probability}%` }),
          make("b", {}, percent(probability)),
        ),
      ),
    );
    return { best, seen };
  }
}
