/** @file The page: classes are shown, a head is taught in the tab, tried, and taken home. */

import "./page.css";
import { Classes } from "./classes.ts";
import { byId } from "../../page/dom.ts";
import { Learner } from "./learner.ts";
import { Camera } from "./pictures.ts";
import type { Format, HeadArrays } from "./protocol.ts";
import { Store, type StoredHead } from "./store.ts";
import { THRESHOLD, Trial } from "./trial.ts";

const status = byId("status");
const opening = byId<HTMLProgressElement>("opening");
const train = byId<HTMLButtonElement>("train");
const training = byId("training");
const run = byId<HTMLInputElement>("run");
const saves: Readonly<Record<Format, HTMLButtonElement>> = {
  safetensors: byId<HTMLButtonElement>("download"),
  onnx: byId<HTMLButtonElement>("download-onnx"),
};

const learner = new Learner((part) => (opening.value = part));
const camera = new Camera();
const store = await Store.open();
const webgpu = new URLSearchParams(location.search).get("device") === "webgpu";
let fingerprint = "";
/** The model that was taught or came with a run, to see whether it is still what the page shows. */
let taught: StoredHead | undefined;

const trial = new Trial(byId("trial"), {
  camera,
  look: (bitmap) => learner.ask("look", { bitmap }),
  changed: () => void keepPage(),
});
const classes = new Classes(byId("classes"), {
  ...{ learner, store, camera },
  undo: byId<HTMLButtonElement>("undo"),
  changed() {
    refresh();
    void keepPage();
  },
});

function refresh(): void {
  const reason = opening.hidden ? classes.missing() : "The model is being opened.";
  train.disabled = reason !== undefined;
  if (taught?.shown === classes.shown()) training.textContent = taught.summary;
  else if (reason !== undefined) training.textContent = reason;
  else if (taught === undefined) training.textContent = "Ready: a few pictures each are enough.";
  else training.textContent = "Changed: train again.";
}

/** Keeps the classes, the threshold and the head in this browser. */
async function keepPage(): Promise<void> {
  if (!opening.hidden) return; // what was kept has not come back yet
  const { threshold } = trial;
  const page = { fingerprint, classes: classes.stored(), threshold };
  await store.savePage({ ...page, ...(taught && { head: taught }) });
}

/** The page knows a head: it can be tried and taken home. */
function ready(next: StoredHead): void {
  taught = next;
  trial.ready(next.names.map((name, i) => ({ name, colour: classes.colourAt(i) })));
  for (const save of Object.values(saves)) save.disabled = false;
}

/** No head is known any more. */
function forgetHead(): void {
  taught = undefined;
  trial.forget();
  for (const save of Object.values(saves)) save.disabled = true;
  byId("curve").setAttribute("hidden", "");
}

async function teach(): Promise<void> {
  train.disabled = true;
  training.textContent = "Training …";
  const shown = classes.shown();
  const names = classes.stored().map(({ name }) => name);
  const members = classes.stored().map(({ examples }) => examples);
  try {
    const { losses, head, milliseconds } = await learner.ask("teach", { classes: members });
    const looks = classes.millisecondsOfLook;
    const parts = [
      `${losses.length} steps on ${members.flat().length} pictures in ${(milliseconds / 1000).toFixed(2)}\u00a0s`,
      ...(looks === undefined ? [] : [`looking at a picture takes ${Math.round(looks)}\u00a0ms`]),
    ];
    document.body.dataset.teachMs = String(milliseconds);
    document.body.dataset.lookMs = String(looks);
    ready({ ...head, names, shown, summary: `${parts.join("; ")}.` });
    drawCurve(losses);
    await keepPage();
  } catch (error) {
    training.textContent = (error as Error).message;
    train.disabled = classes.missing() !== undefined;
    return;
  }
  refresh();
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

async function download(format: Format): Promise<void> {
  try {
    const { file } = await learner.ask("save", { names: taught!.names, format });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = `teach.${format}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    training.textContent = (error as Error).message;
  }
}

/** Opens the page's own model, or a run's checkpoint; what came with it. */
async function openModel(file?: Blob) {
  opening.hidden = false;
  refresh();
  try {
    const found = await learner.ask("open", { webgpu, ...(file && { file }) });
    const why = found.lacksWebGpu ? "; this browser offers no WebGPU" : "";
    status.textContent = `Ready in ${(found.milliseconds / 1000).toFixed(1)} s: ${found.engine}${why}`;
    status.classList.remove("problem");
    return found;
  } finally {
    opening.hidden = true;
  }
}

function failed(error: unknown): void {
  status.textContent = `The model cannot be opened: ${(error as Error).message}`;
  status.classList.add("problem");
  refresh();
}

/** A head that came with a run: its classes take the place of those that were shown. */
function takeRun(names: readonly string[], head: HeadArrays): void {
  classes.begin(names);
  ready({ ...head, names, shown: classes.shown(), summary: "As it came from the run." });
}

async function openRun(file: Blob): Promise<void> {
  try {
    const found = await openModel(file);
    forgetHead();
    if (found.fingerprint !== fingerprint) classes.begin(); // features of another backbone say nothing to this one
    fingerprint = found.fingerprint;
    if (found.classes && found.head) takeRun(found.classes, found.head);
    await store.saveModel(file);
    await keepPage();
  } catch (error) {
    return failed(error);
  }
  refresh();
}

/** Opens the model, and what an earlier page kept in this browser. */
async function begin(): Promise<void> {
  try {
    const [page, file] = [await store.page(), await store.model()];
    const found = await openModel(file);
    fingerprint = found.fingerprint;
    trial.threshold = page?.threshold ?? THRESHOLD;
    if (page?.fingerprint === fingerprint) {
      await classes.restore(page.classes);
      const { head } = page;
      if (head) {
        await learner.ask("head", { head: { kernel: head.kernel, bias: head.bias } });
        ready(head);
      }
    } else classes.begin();
  } catch (error) {
    classes.begin();
    return failed(error);
  }
  refresh();
}

byId("add-class").addEventListener("click", () => {
  classes.add().element.querySelector("input")!.select();
});
byId("undo").addEventListener("click", () => classes.undo());
byId("fresh").addEventListener("click", () => {
  void store.clear().then(() => location.reload());
});
run.addEventListener("change", () => {
  const [file] = run.files ?? [];
  run.value = "";
  if (file) void openRun(file);
});
train.addEventListener("click", () => void teach());
for (const [format, save] of Object.entries(saves) as [Format, HTMLButtonElement][]) {
  save.addEventListener("click", () => void download(format));
}
addEventListener("keydown", (event) => {
  const isInText = event.target instanceof HTMLInputElement;
  if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || isInText) return;
  event.preventDefault();
  classes.undo();
});
// a picture that misses its place must not replace the page
for (const event of ["dragover", "drop"]) {
  addEventListener(event, (happened) => happened.preventDefault());
}
void begin();
