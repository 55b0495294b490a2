/** @file The page: classes are shown, a head is taught in the tab, tried, and taken home. */

import "./page.css";
import { ClassCard } from "./class-card.ts";
import { byId } from "./dom.ts";
import { Learner } from "./learner.ts";
import { Camera } from "./pictures.ts";
import { Trial } from "./trial.ts";

/** Told apart by people who see few colours, too. */
const COLOURS = ["#0b7285", "#c2410c", "#6d28d9", "#15803d", "#be185d", "#854d0e"];

const status = byId("status");
const opening = byId<HTMLProgressElement>("opening");
const train = byId<HTMLButtonElement>("train");
const training = byId("training");
const save = byId<HTMLButtonElement>("download");

const learner = new Learner((part) => (opening.value = part));
const camera = new Camera();
const cards: ClassCard[] = [];
let made = 0;
let examples = 0;
/** What the model has been taught, to see whether it is still what the page shows. */
let taught: { readonly names: readonly string[]; readonly shown: string } | undefined;

const times: number[] = [];

const colourOf = (index: number): string => COLOURS[index % COLOURS.length];

const trial = new Trial(byId("trial"), {
  camera,
  look: (bitmap) => learner.ask("look", { bitmap }),
});

function addClass(): ClassCard {
  const colour = colourOf(made++);
  const card: ClassCard = new ClassCard(`Class ${made}`, colour, {
    camera,
    async keep(bitmap) {
      const example = examples++;
      const { seen, milliseconds } = await learner.ask("keep", { example, bitmap });
      times.push(milliseconds);
      return { example, seen };
    },
    forget: (example) => void learner.ask("forget", { example }),
    changed: () => refresh(),
    removed(gone) {
      cards.splice(cards.indexOf(gone), 1);
      gone.dispose();
      refresh();
    },
  });
  card.element.dataset.colour = colour;
  cards.push(card);
  byId("classes").append(card.element);
  refresh();
  return card;
}

const shownNow = (): string => JSON.stringify(cards.map(({ name, examples }) => [name, examples]));

/** Why training cannot begin; undefined where it can. */
function missing(): string | undefined {
  const names = cards.map((card) => card.name);
  if (cards.length < 2) return "Two classes are the least.";
  if (names.some((name) => name === "")) return "Every class needs a name.";
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) return `Two classes are called ${twice}.`;
  const empty = cards.find((card) => card.examples.length === 0);
  return empty && `${empty.name} has no pictures yet.`;
}

function refresh(): void {
  const reason = opening.hidden ? missing() : "The model is being opened.";
  train.disabled = reason !== undefined;
  if (reason !== undefined) training.textContent = reason;
  else if (taught === undefined) training.textContent = "Ready: a few pictures each are enough.";
  else if (taught.shown !== shownNow()) training.textContent = "Changed: train again.";
}

async function teach(): Promise<void> {
  train.disabled = true;
  training.textContent = "Training …";
  const shown = shownNow();
  try {
    const classes = cards.map((card) => card.examples);
    const { losses, milliseconds } = await learner.ask("teach", { classes });
    taught = { names: cards.map((card) => card.name), shown };
    drawCurve(losses);
    const count = classes.flat().length;
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    training.textContent =
      `${losses.length} steps on ${count} pictures in ${(milliseconds / 1000).toFixed(2)}\u00a0s; ` +
      `looking at a picture takes ${Math.round(mean)}\u00a0ms.`;
    document.body.dataset.teachMs = String(milliseconds);
    document.body.dataset.lookMs = String(mean);
    trial.ready(cards.map(({ name, element }) => ({ name, colour: element.dataset.colour ?? "" })));
    save.disabled = false;
  } catch (error) {
    training.textContent = (error as Error).message;
  }
  train.disabled = missing() !== undefined;
}

/** The loss of every step as a line. */
function drawCurve(losses: readonly number[]): void {
  const [most] = losses;
  const points = losses.map((loss, i) => {
    const [x, y] = [(100 * i) / (losses.length - 1), 31 - (30 * loss) / most];
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  const curve = byId<SVGSVGElement>("curve");
  const label = `The loss fell from ${most.toFixed(2)} to ${losses.at(-1)!.toFixed(2)}`;
  curve.setAttribute("role", "img");
  curve.setAttribute("aria-label", label);
  curve.innerHTML = `<polyline points="${points.join(" ")}" vector-effect="non-scaling-stroke" />`;
  curve.removeAttribute("hidden");
}

async function download(): Promise<void> {
  const { file } = await learner.ask("save", { names: taught!.names });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = "teach.safetensors";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function open(): Promise<void> {
  const webgpu = new URLSearchParams(location.search).get("device") === "webgpu";
  try {
    const { engine, lacksWebGpu, milliseconds } = await learner.ask("open", { webgpu });
    const why = lacksWebGpu ? "; this browser offers no WebGPU" : "";
    status.textContent = `Ready in ${(milliseconds / 1000).toFixed(1)} s: ${engine}${why}`;
    opening.hidden = true;
    refresh();
  } catch (error) {
    status.textContent = `The model cannot be opened: ${(error as Error).message}`;
    status.classList.add("problem");
  }
}

byId("add-class").addEventListener("click", () => {
  addClass().element.querySelector("input")!.select();
});
train.addEventListener("click", () => void teach());
save.addEventListener("click", () => void download());
// a picture that misses its place must not replace the page
for (const event of ["dragover", "drop"]) {
  addEventListener(event, (happened) => happened.preventDefault());
}
addClass();
addClass();
void open();
