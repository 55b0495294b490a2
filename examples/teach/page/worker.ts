/** @file The worker: a frozen backbone, the features of what was shown, and the head taught on them. */

import type { HostArray } from "ocelli/graph";
import { type FrozenModel, type Head, hasWebGpu, openFrozen, picturePixels } from "ocelli/web";
import { answerInTurn, postNews } from "../../page/worker-server.ts";
import type { Answers, HeadArrays, News, Request } from "./protocol.ts";

type OrtModule = Parameters<typeof openFrozen>[0];

const examples = new Map<number, HostArray>();
let model: FrozenModel | undefined;
let head: Head | undefined;

const THUMBNAIL = 128;

/** The folder of onnxruntime-web's files. */
const ORT = new URL("ort/", globalThis.location.href).href;

const ANSWERS: {
  readonly [K in Request["kind"]]: (
    request: Extract<Request, { kind: K }>,
  ) => Promise<Omit<Answers[K], "milliseconds">>;
} = {
  async open({ webgpu, file }) {
    const gpu = webgpu && (await hasWebGpu());
    const script = gpu ? "ort.webgpu.min.mjs" : "ort.wasm.min.mjs";
    const [ort, bytes] = await Promise.all([
      import(`${ORT}${script}`) as Promise<OrtModule>,
      file
        ? file.arrayBuffer().then((buffer) => new Uint8Array(buffer))
        : download(new URL("backbone.safetensors", globalThis.location.href)),
    ]);
    const device = gpu ? "webgpu" : "wasm";
    const threads = Math.min(navigator.hardwareConcurrency, 8);
    const next = await openFrozen(ort, bytes, { threads, device, wasmPaths: ORT });
    const { engine, fingerprint, taught } = next;
    if (model?.fingerprint !== fingerprint) examples.clear();
    await model?.dispose();
    model = next;
    head = taught?.head;
    return {
      ...{ engine, fingerprint, lacksWebGpu: webgpu && !gpu },
      ...(taught && { classes: taught.classes, head: arraysOf(taught.head) }),
    };
  },
  async keep({ example, bitmap }) {
    const pixels = pixelsOf(bitmap);
    const features = await opened().features(pixels);
    examples.set(example, features);
    return { seen: await thumbnail(pixels), features: (features.data as Float32Array).slice() };
  },
  async restore({ example, features }) {
    examples.set(example, { shape: [features.length], dtype: "float32", data: features });
    return {};
  },
  async head({ head: { kernel, bias } }) {
    head = {
      kernel: { shape: [opened().width, bias.length], dtype: "float32", data: kernel },
      bias: { shape: [bias.length], dtype: "float32", data: bias },
    };
    return {};
  },
  async teach({ classes }) {
    const features = classes.flat().map((example) => examples.get(example)!);
    const labels = classes.flatMap((members, label) => members.map(() => label));
    const taught = await opened().teach(features, labels, classes.length);
    head = taught.head;
    return { losses: taught.losses, head: arraysOf(head) };
  },
  async look({ bitmap }) {
    const pixels = pixelsOf(bitmap);
    const features = await opened().features(pixels);
    const probabilities = await opened().classify(taughtHead(), features);
    return { probabilities, seen: await thumbnail(pixels) };
  },
  async save({ names, format }) {
    const parts =
      format === "onnx"
        ? [opened().saveOnnx(taughtHead(), names)]
        : opened().save(taughtHead(), names);
    return { file: new Blob(parts as BlobPart[]) };
  },
};

const arraysOf = ({ kernel, bias }: Head): HeadArrays => ({
  kernel: kernel.data as Float32Array,
  bias: bias.data as Float32Array,
});

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
    postNews({ progress: length / bytes.length } satisfies News);
  }
}

/** A picture's red, green and blue, [height, width, 3]; the picture is closed. */
function pixelsOf(bitmap: ImageBitmap): HostArray {
  const pixels = picturePixels(bitmap, opened().alpha);
  bitmap.close();
  return pixels;
}

/** A whole picture, small, for people. */
function thumbnail({ shape: [height, width], data }: HostArray): Promise<ImageBitmap> {
  const shown = new ImageData(width, height);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    for (let c = 0; c < 3; c++) shown.data[to + c] = Number(data[from + c]);
    shown.data[to + 3] = 255;
  }
  const scale = THUMBNAIL / Math.max(width, height);
  return createImageBitmap(shown, {
    resizeWidth: Math.max(1, Math.round(width * scale)),
    resizeHeight: Math.max(1, Math.round(height * scale)),
    resizeQuality: "high",
  });
}

answerInTurn(async (request: Request) => {
  const started = performance.now();
  const answer = await ANSWERS[request.kind](request as never);
  return { ...answer, milliseconds: performance.now() - started };
});
