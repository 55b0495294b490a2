/** @file The worker: takes pictures in, trains on them, and keeps both in this browser. */

import type { HostArray } from "ocelli/graph";
import {
  type TabTraining,
  type TrainingPicture,
  hasWebGpu,
  openTraining,
  picturePixels,
} from "ocelli/web";
import { seededRandom } from "ocelli/preprocess";
import { Kept } from "../page/kept.ts";
import { answerInTurn, postNews } from "../page/worker-server.ts";
import type { Answers, Begun, Labelled, News, Request } from "./protocol.ts";

type OrtModule = Parameters<typeof openTraining>[0];
type WebOptions = Parameters<typeof openTraining>[2];

/** The pictures of a training: those that teach, and those that judge. */
interface Album {
  readonly classes: readonly string[];
  readonly taught: readonly TrainingPicture[];
  readonly heldOut: readonly TrainingPicture[];
}

/** A training as it is kept beside its pictures. */
interface Progress extends Pick<Begun, "steps" | "losses"> {
  readonly state: Uint8Array;
}

const SIZE = 32;
/** One picture of so many is held out in each class. */
const HELD_OUT = 10;
/** The folder of onnxruntime-web's files. */
const ORT = new URL("ort/", globalThis.location.href).href;
/** Files are decoded as they are: neither colours nor transparency are converted. */
const AS_IT_IS: ImageBitmapOptions = {
  colorSpaceConversion: "none",
  premultiplyAlpha: "none",
  imageOrientation: "from-image",
};

let kept: Kept;
let ort: OrtModule;
let web: WebOptions;
let album: Album | undefined;
let training: TabTraining | undefined;
let steps = 0;
let losses: number[] = [];

const ANSWERS: {
  readonly [K in Request["kind"]]: (request: Extract<Request, { kind: K }>) => Promise<Answers[K]>;
} = {
  async open({ webgpu }) {
    const gpu = webgpu && (await hasWebGpu());
    const file = gpu ? "ort.webgpu.min.mjs" : "ort.wasm.min.mjs";
    ort = (await import(`${ORT}${file}`)) as OrtModule;
    const threads = Math.min(navigator.hardwareConcurrency, 8);
    web = { threads, device: gpu ? "webgpu" : "wasm", wasmPaths: ORT };
    kept = await Kept.open(`ocelli-train-in-tab ${globalThis.location.pathname}`);
    album = await kept.get<Album>("album");
    const progress = await kept.get<Progress>("progress");
    return {
      engine: gpu ? "WebGPU" : `WebAssembly, ${threads} threads`,
      lacksWebGpu: webgpu && !gpu,
      keeps: kept.works,
      begun: album && progress && describe(album, progress.steps, progress.losses),
    };
  },
  async take({ pictures }) {
    await forget();
    const folders = [...new Set(pictures.map(({ label }) => label))];
    // only to make pictures ready, which its classes do not matter to
    const trainer = await openTraining(ort, { classes: folders, steps: 1, size: SIZE }, web);
    const { read, refused } = await takeAll(pictures, trainer).finally(() => trainer.dispose());
    // a folder without pictures, such as the one that holds the classes and a table, is no class
    const classes = [...new Set(read.map(({ name }) => name))].sort();
    if (classes.length < 2) {
      throw new Error(
        classes.length === 0
          ? `None of the ${pictures.length} files can be read as a picture.`
          : `Only the folder ${classes[0]} has pictures; there must be one for each class.`,
      );
    }
    const taken = read.map(({ name, ...one }) => ({ ...one, label: classes.indexOf(name) }));
    album = { classes, ...split(taken, classes) };
    const unkept = await keep("album", album);
    const counts = classes.map((name, label) => {
      return [name, taken.filter((one) => one.label === label).length] as const;
    });
    return { classes: Object.fromEntries(counts), heldOut: album.heldOut.length, refused, unkept };
  },
  async begin(request) {
    ({ steps } = request);
    losses = [];
    await open();
    return describe(taken(), steps, losses);
  },
  async continue() {
    if (training) return describe(taken(), steps, losses); // it was paused, and is newer than what is kept
    const progress = await kept.get<Progress>("progress");
    if (!progress) throw new Error("No training is kept in this browser.");
    ({ steps } = progress);
    losses = [...progress.losses];
    await open(progress.state);
    return describe(taken(), steps, losses);
  },
  async update({ count }) {
    const { taught } = taken();
    const measures = [];
    for (let i = 0; i < count && opened().step < steps; i++) {
      measures.push(await opened().update(taught));
    }
    losses.push(...measures.map(({ loss }) => loss));
    const why = await keep("progress", { steps, losses, state: await opened().state() });
    if (why === undefined) return { measures };
    const before = await kept.get<Progress>("progress");
    return { measures, unkept: { why, step: before?.losses.length ?? 0 } };
  },
  async judge() {
    const { heldOut } = taken();
    let right = 0;
    for (const { image, label } of heldOut) {
      const probabilities = await opened().classify(image);
      if (probabilities.indexOf(Math.max(...probabilities)) === label) right++;
    }
    return { right, of: heldOut.length };
  },
  look: async ({ file }) => ({
    probabilities: await opened().classify(await pixelsOf(file, opened())),
  }),
  save: async () => ({ file: new Blob((await opened().save()) as BlobPart[]) }),
  async forget() {
    await forget();
    return {};
  },
};

const describe = (
  { classes, taught, heldOut }: Album,
  steps: number,
  losses: readonly number[],
): Begun => ({
  ...{ classes, steps, losses, step: losses.length },
  ...{ pictures: taught.length, heldOut: heldOut.length },
});

/** Keeps a value, or says why it cannot be; what was kept before stays. */
async function keep(key: string, value: unknown): Promise<string | undefined> {
  try {
    await kept.put(key, value);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Opens a training on the pictures, in place of the one that is open. */
async function open(state?: Uint8Array): Promise<void> {
  await training?.dispose();
  training = undefined;
  training = await openTraining(ort, { classes: taken().classes, steps, size: SIZE }, web, state);
}

async function forget(): Promise<void> {
  await training?.dispose();
  training = album = undefined;
  await kept.clear();
}

function opened(): TabTraining {
  if (training) return training;
  throw new Error("Nothing is being trained yet.");
}

function taken(): Album {
  if (album) return album;
  throw new Error("There are no pictures yet.");
}

/** Files as small pictures with their classes' names, and the names of those that are none. */
async function takeAll(pictures: readonly Labelled[], trainer: TabTraining) {
  const read: (Omit<TrainingPicture, "label"> & { readonly name: string })[] = [];
  const refused: string[] = [];
  for (const [i, { file, label }] of pictures.entries()) {
    try {
      const image = trainer.prepare(await pixelsOf(file, trainer));
      read.push({ id: `${label}/${file.name}`, image, name: label });
    } catch {
      refused.push(file.name);
    }
    if (i % 10 === 9) postNews({ taken: i + 1 } satisfies News);
  }
  return { read, refused };
}

async function pixelsOf(file: File, { alpha }: TabTraining): Promise<HostArray> {
  const bitmap = await createImageBitmap(file, AS_IT_IS);
  try {
    return picturePixels(bitmap, alpha);
  } finally {
    bitmap.close();
  }
}

/** A tenth of each class held out, by the hash of its name: the same pictures always. */
function split(pictures: readonly TrainingPicture[], classes: readonly string[]) {
  const heldOut = new Set(
    classes.flatMap((_, label) => {
      const members = pictures.filter((one) => one.label === label);
      const ranked = members
        .map((one) => ({ one, rank: seededRandom("held out", one.id).uniform() }))
        .sort((a, b) => a.rank - b.rank);
      return ranked.slice(0, Math.floor(members.length / HELD_OUT)).map(({ one }) => one);
    }),
  );
  return { taught: pictures.filter((one) => !heldOut.has(one)), heldOut: [...heldOut] };
}

answerInTurn((request: Request) => ANSWERS[request.kind](request as never));
