/** @file What the model says of new pictures: from files one by one, from the camera without end. */

import { make, takesFiles } from "../../page/dom.ts";
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
  /** The threshold has another value. */
  changed(): void;
}

/** A class as it is shown. */
export interface ShownClass {
  readonly name: string;
  readonly colour: string;
}

/** Percent below which the surest class is not sure enough, where nothing is chosen. */
export const THRESHOLD = 50;

/** Pictures kept in view. */
const KEPT = 12;

const BEFORE = "Once it is trained, show it pictures that it has not seen.";

const percent = (part: number): string => `${Math.round(100 * part)} %`;

/** The part of the page where the model is tried. */
export class Trial {
  readonly #context: TrialContext;
  readonly #view = make("div", { class: "view", hidden: true });
  readonly #bars = make("ul", { class: "bars" });
  readonly #verdict = make("p", { class: "verdict", role: "status" });
  readonly #tried = make("ul", { class: "tried", "aria-label": "Pictures that were tried" });
  readonly #controls: HTMLElement;
  readonly #threshold = make("input", {
    type: "number",
    min: "0",
    max: "100",
    value: String(THRESHOLD),
    "aria-label": "Percent below which the model is unsure",
  });
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
    this.#threshold.addEventListener("input", () => this.#judge());
    this.#threshold.addEventListener("change", () => context.changed());
    const unsure = make("label", { class: "soft" }, "Unsure below ", this.#threshold, " %");
    this.#controls = make("div", { class: "row", hidden: true }, choose, open, unsure);
    root.append(this.#controls, this.#view, this.#verdict, this.#bars, this.#tried);
    takesFiles(root, files, (chosen) => void this.#takeFiles(chosen));
    this.#verdict.textContent = BEFORE;
  }

  /** The model knows these classes now. */
  ready(classes: readonly ShownClass[]): void {
    this.#classes = classes;
    this.#controls.hidden = false;
    this.#tried.replaceChildren();
    this.#bars.replaceChildren();
    this.#verdict.textContent = "Drop new pictures here, choose some, or use the camera.";
  }

  /** Percent. */
  get threshold(): number {
    return this.#threshold.valueAsNumber || 0;
  }

  set threshold(percent: number) {
    this.#threshold.value = String(percent);
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#classes = [];
    this.#controls.hidden = true;
    for (const list of [this.#tried, this.#bars]) list.replaceChildren();
    this.#verdict.textContent = BEFORE;
  }

  /** What is said of the pictures in view, by the threshold as it is now. */
  #judge(): void {
    for (const row of this.#tried.children as Iterable<HTMLElement> & HTMLCollection) {
      const { class: name = "", probability } = row.dataset;
      row.lastElementChild!.textContent = this.#say(name, Number(probability));
    }
  }

  #say(name: string, probability: number): string {
    const said = `${name} ${percent(probability)}`;
    return this.#isUnsure(probability) ? `unsure: ${said}` : said;
  }

  #isUnsure(probability: number): boolean {
    return 100 * probability < this.threshold;
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
        const caption = make("span", {}, this.#say(best.name, best.probability));
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
      this.#isUnsure(best.probability)
        ? make("strong", { style: "--class: var(--soft)" }, "unsure")
        : make("strong", { style: `--class: ${best.colour}` }, best.name),
      this.#isUnsure(best.probability) ? ` ${best.name}` : "",
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
