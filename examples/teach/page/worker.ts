/** @file The worker: a frozen backbone, the features of what was shown, and the head taught on them. */

import type { HostArray } from "ocelli/graph";
import { type FrozenModel, type Head, hasWebGpu, openFrozen } from "ocelli/web";
import type { Answers, Reply, Request } from "./protocol.ts";

type OrtModule = Parameters<typeof openFrozen>[0];

/** This side of the worker's channel. */
const channel = globalThis as unknown as {
  postMessage(reply: Reply): void;
  addEventListener(
    type: "message",
    listen: (event: MessageEvent<Request & { readonly id: number }>) => void,
  ): void;
};

const examples = new Map<number, HostArray>();
let model: FrozenModel | undefined;
let head: Head | undefined;

/** The folder of onnxruntime-web's files. */
const ORT = new URL("ort/", globalThis.location.href).href;

const ANSWERS: {
  readonly [K in Request["kind"]]: (
    request: Extract<Request, { kind: K }>,
  ) => Promise<Omit<Answers[K], "milliseconds">>;
} = {
  async open({ webgpu }) {
    const gpu = webgpu && (await hasWebGpu());
    const file = gpu ? "ort.webgpu.min.mjs" : "ort.wasm.min.mjs";
    const [ort, bytes] = await Promise.all([
      import(`${ORT}${file}`) as Promise<OrtModule>,
      download(new URL("backbone.safetensors", globalThis.location.href)),
    ]);
    const device = gpu ? "webgpu" : "wasm";
    const threads = Math.min(navigator.hardwareConcurrency, 8);
    model = await openFrozen(ort, bytes, { threads, device, wasmPaths: ORT });
    return { engine: model.engine, lacksWebGpu: webgpu && !gpu };
  },
  async keep({ example, bitmap }) {
    examples.set(example, await opened().features(pixelsOf(bitmap)));
    return {};
  },
  async forget({ example }) {
    examples.delete(example);
    return {};
  },
  async teach({ classes }) {
    const features = classes.flat().map((example) => examples.get(example)!);
    const labels = classes.flatMap((members, label) => members.map(() => label));
    const taught = await opened().teach(features, labels, classes.length);
    head = taught.head;
    return { losses: taught.losses };
  },
  async look({ bitmap }) {
    const features = await opened().features(pixelsOf(bitmap));
    return { probabilities: await opened().classify(taughtHead(), features) };
  },
  async save({ names }) {
    return { file: new Blob(opened().save(taughtHead(), names) as BlobPart[]) };
  },
};

function opened(): FrozenModel {
  if (model) return model;
  throw new Error("The model is not open yet.");
}

function taughtHead(): Head {
  if (head) return head;
  throw new Error("Nothing has been taught yet.");
}

/** A file, as its parts come. */
async function download(url: URL): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new Error(`${url.pathname}: ${response.statusText}`);
  const bytes = new Uint8Array(Number(response.headers.get("Content-Length")));
  let length = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return bytes;
    bytes.set(value, length);
    length += value.length;
    channel.postMessage({ progress: length / bytes.length });
  }
}

/** A picture's red, green and blue, [height, width, 3]; the picture is closed. */
function pixelsOf(bitmap: ImageBitmap): HostArray {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context!.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context!.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    pixels[to] = data[from];
    pixels[to + 1] = data[from + 1];
    pixels[to + 2] = data[from + 2];
  }
  return { shape: [height, width, 3], dtype: "uint8", data: pixels };
}

/** One request after the other, in the order in which they came. */
let queue = Promise.resolve();

channel.addEventListener("message", ({ data: request }) => {
  queue = queue.then(async () => {
    const started = performance.now();
    try {
      const answer = await ANSWERS[request.kind](request as never);
      const milliseconds = performance.now() - started;
      channel.postMessage({ id: request.id, answer: { ...answer, milliseconds } as never });
    } catch (error) {
      channel.postMessage({ id: request.id, error: (error as Error).message });
    }
  });
});
