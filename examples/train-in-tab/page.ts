/** @file The page: a folder of pictures is dropped, a model is trained on it from scratch in this tab, tried, and taken home. */

import { byId, make } from "../page/dom.ts";
import { type FoundFile, chosenFiles, filesOf } from "../page/folder.ts";
import { WorkerClient } from "../page/worker-client.ts";
import { drawCurve } from "./curve.ts";
import type { Answers, Begun, Labelled, News, Request, Unkept } from "./protocol.ts";

/** Updates between two looks at the buttons; what they came to is kept. */
const AT_ONCE = 5;

const worker = new WorkerClient<Request, Answers, News>(
  new Worker(new URL("worker.js", import.meta.url), { type: "module" }),
  ({ taken }) => void (taking.value = taken),
);

const status = byId("status");
const album = byId("album");
const taking = byId<HTMLProgressElement>("taking");
const steps = byId<HTMLInputElement>("steps");
const train = byId<HTMLButtonElement>("train");
const pause = byId<HTMLButtonElement>("pause");
const forget = byId<HTMLButtonElement>("forget");
const progress = byId("progress");
const trial = byId<HTMLInputElement>("trial");
const tried = byId("tried");
const download = byId<HTMLButtonElement>("download");

let classes: readonly string[] = [];
let losses: number[] = [];
let total = 0;
let isRunning = false;

/** Shows an error where it belongs; nothing else is lost. */
const telling =
  (where: HTMLElement, act: () => Promise<void>): (() => void) =>
  () =>
    void act().catch((error: unknown) => {
      where.textContent = (error as Error).message;
      where.classList.add("problem");
    });

async function open(): Promise<void> {
  const webgpu = new URLSearchParams(location.search).get("device") === "webgpu";
  const { engine, lacksWebGpu, keeps, begun } = await worker.ask("open", { webgpu });
  const notes = [
    lacksWebGpu ? "; this browser offers no WebGPU" : "",
    keeps ? "" : "; this window keeps nothing over a reload",
  ];
  status.textContent = `Ready: ${engine}${notes.join("")}`;
  document.body.dataset.ready = "";
  if (!begun) return;
  show(begun);
  const left = begun.steps - begun.step;
  progress.textContent =
    left > 0
      ? `A training stopped at step ${begun.step} of ${begun.steps}. Resume continues from there.`
      : `A training of ${begun.steps} steps is done.`;
  train.textContent = left > 0 ? "Resume" : "Open it again";
  train.dataset.kept = "";
}

function show(begun: Begun): void {
  ({ classes } = begun);
  total = begun.steps;
  losses = [...begun.losses];
  steps.value = String(total);
  steps.disabled = true;
  album.textContent = `${begun.pictures} pictures of ${classes.join(", ")}, and ${begun.heldOut} held out to judge.`;
  train.disabled = false;
  forget.disabled = false;
  drawCurve(byId<SVGSVGElement>("curve"), losses, total);
}

async function take(pictures: readonly Labelled[]): Promise<void> {
  album.classList.remove("problem");
  const labels = new Set(pictures.map(({ label }) => label));
  if (labels.size < 2) {
    throw new Error(
      `Drop a folder with a folder for each class; here ${labels.size === 0 ? "are no files" : `all files are in ${[...labels].join() || "no folder"}`}.`,
    );
  }
  taking.max = pictures.length;
  taking.value = 0;
  taking.hidden = false;
  train.disabled = true;
  try {
    const { classes: counts, heldOut, refused, unkept } = await worker.ask("take", { pictures });
    const named = Object.entries(counts).map(([name, count]) => `${name} (${count})`);
    const left =
      refused.length > 1
        ? ` ${refused.length} files are no pictures, such as ${refused[0]}.`
        : refused.map((name) => ` ${name} is no picture.`).join("");
    album.textContent = `${named.join(", ")}; ${heldOut} of these are held out to judge.${left}${unkept === undefined ? "" : ` ${unkept} A reload forgets them.`}`;
    classes = Object.keys(counts);
    delete train.dataset.kept;
    train.textContent = "Train";
    train.disabled = false;
    steps.disabled = false;
    forget.disabled = false;
    progress.textContent = "";
  } finally {
    taking.hidden = true;
  }
}

async function run(): Promise<void> {
  progress.classList.remove("problem");
  train.disabled = steps.disabled = true;
  const isKept = train.dataset.kept !== undefined;
  try {
    show(
      isKept
        ? await worker.ask("continue", {})
        : await worker.ask("begin", { steps: Number(steps.value) }),
    );
  } catch (error) {
    train.disabled = false;
    steps.disabled = isKept;
    throw error;
  }
  train.disabled = true;
  pause.disabled = false;
  trial.disabled = download.disabled = true;
  isRunning = true;
  let started = performance.now();
  let unkept: Unkept | undefined;
  const note = (): string =>
    unkept ? ` ${unkept.why} Training continues; a reload returns to step ${unkept.step}.` : "";
  try {
    // the first update compiles, so that speed is measured from the second call on
    for (let calls = 0; isRunning && losses.length < total; calls++) {
      if (calls === 1) started = performance.now();
      const { measures, ...rest } = await worker.ask("update", { count: AT_ONCE });
      ({ unkept } = rest);
      progress.classList.toggle("problem", unkept !== undefined);
      losses.push(...measures.map(({ loss }) => loss));
      const { step, loss, accuracy } = measures.at(-1)!;
      const each = (performance.now() - started) / (calls * AT_ONCE);
      const left = calls > 0 ? ` · ${Math.ceil(((total - step) * each) / 1000)} s left` : "";
      progress.textContent = `step ${step} of ${total} · loss ${loss.toFixed(3)} · ${percent(accuracy)} of the batch right${left}${unkept ? "." : ""}${note()}`;
      drawCurve(byId<SVGSVGElement>("curve"), losses, total);
    }
    const { right, of } = await worker.ask("judge", {});
    const judged =
      of > 0 ? ` ${right} of ${of} held-out pictures are right (${percent(right / of)}).` : "";
    progress.textContent = `${losses.length} of ${total} steps.${judged}${note()}`;
    document.body.dataset.judged = String(right / of);
    trial.disabled = download.disabled = false;
  } finally {
    isRunning = false;
    pause.disabled = true;
    train.disabled = losses.length >= total;
    train.dataset.kept = "";
    train.textContent = losses.length < total ? "Resume" : "Trained";
  }
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;

async function look(files: readonly File[]): Promise<void> {
  for (const file of files) {
    const row = make("li", {}, `${file.name}: `);
    tried.prepend(row);
    try {
      const { probabilities } = await worker.ask("look", { file });
      const ranked = classes
        .map((name, i) => ({ name, probability: probabilities[i] }))
        .sort((a, b) => b.probability - a.probability);
      row.append(
        ranked
          .slice(0, 3)
          .map(({ name, probability }) => `${name} ${percent(probability)}`)
          .join(", "),
      );
      Object.assign(row.dataset, {
        file: file.name,
        class: ranked[0].name,
        probability: String(ranked[0].probability),
      });
    } catch (error) {
      row.append((error as Error).message);
      row.classList.add("problem");
    }
  }
}

async function save(): Promise<void> {
  const { file } = await worker.ask("save", {});
  const link = make("a", { href: URL.createObjectURL(file), download: "trained.safetensors" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function clear(): Promise<void> {
  isRunning = false;
  await worker.ask("forget", {});
  location.reload();
}

/** Files with the folder that each lies in as its class. */
const labelled = (found: readonly FoundFile[]): Labelled[] =>
  found.map(({ file, path }) => ({ file, label: path.split("/").at(-2) ?? "" }));

const drop = byId("drop");
const folder = byId<HTMLInputElement>("folder");
folder.addEventListener("change", () => {
  const pictures = labelled(chosenFiles(folder.files ?? []));
  folder.value = ""; // the same folder may be chosen again
  telling(album, () => take(pictures))();
});
drop.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const dropped = filesOf(event.dataTransfer!);
  telling(album, async () => take(labelled(await dropped)))();
});
train.addEventListener("click", telling(progress, run));
pause.addEventListener("click", () => (isRunning = false));
forget.addEventListener("click", telling(progress, clear));
trial.addEventListener("change", () => {
  const files = [...(trial.files ?? [])];
  trial.value = "";
  telling(tried, () => look(files))();
});
download.addEventListener("click", telling(progress, save));
telling(status, open)();
