/** @file An exported model in a browser: fetched, and asked about picture files as `ocelli predict` is. */

import { OrtEngine } from "../engines/ort/engine.ts";
import { onnxProgram } from "../engines/ort/onnx-program.ts";
import type { OrtModule } from "../engines/ort/runtime/js-api.ts";
import { type WebRuntimeOptions, createWebRuntime, hasWebGpu } from "../engines/ort/runtime/web.ts";
import { OcelliError, unknownName } from "../errors.ts";
import { decodeModel } from "../formats/onnx-decode.ts";
import type { HostArray } from "../graph/index.ts";
import type { ModelCard } from "../models/index.ts";
import { answerer, prepareImages } from "../served/answering.ts";
import { exportedModel, readExported } from "../served/exporting/exported.ts";
import type { ServedModel } from "../served/model.ts";
import type { Answer } from "../tasks/index.ts";
import { type Decoding, type PictureInput, readPicture } from "./decode.ts";

/** Options of {@link loadClassifier}. */
export interface LoadOptions extends Partial<WebRuntimeOptions> {
  /** The module to compute with. Default: `onnxruntime-web/webgpu` where there is WebGPU, else `onnxruntime-web/wasm`. */
  readonly ort?: OrtModule;
  /** Of an exported folder, which of its models. Default: "float32". */
  readonly weights?: "float32" | "float16";
  /** "exact" gives Node's pixels; "fast" leaves every file to the browser. Default: "exact". */
  readonly decode?: Decoding;
}

/** A model in a browser tab. It owns memory until it is disposed. */
export interface Classifier {
  readonly card: ModelCard;
  /** What computes, in one line. */
  readonly engine: string;
  /** The answer for a picture: a file, its bytes, or pixels, uint8 [height, width, channels]. */
  predict(picture: PictureInput): Promise<Answer>;
  /** Answers for several pictures, computed together. */
  predictAll(pictures: readonly PictureInput[]): Promise<Answer[]>;
  dispose(): Promise<void>;
}

/**
 * Loads a model that `ocelli export` wrote: the folder of `--to web`, or an `.onnx` file. Everything that `ocelli predict`
 * does to a picture is done to it here; the model may be of any task.
 *
 * @param url of the folder or the file, relative to the page
 * @throws a data error where it cannot be fetched; a format error where the file does not say how to use it
 * @example
 * const classifier = await loadClassifier("/digits/");
 * const answer = await classifier.predict(input.files[0]); // { kind: "ranked", ranked: [{ name: "7", score: 0.99 }, …] }
 */
export async function loadClassifier(
  url: string | URL,
  { weights = "float32", decode = "exact", ort, device = "auto", ...options }: LoadOptions = {},
): Promise<Classifier> {
  const file = await modelAt(url, weights);
  const bytes = new Uint8Array(await (await fetched(file)).arrayBuffer());
  const exported = readExported(decodeModel(bytes).metadata, file.href);
  const gpu = device !== "wasm" && (await hasWebGpu());
  const module = ort ?? (await (gpu ? webGpuEngine() : wasmEngine()));
  const { hardwareConcurrency = 1 } = globalThis.navigator ?? {};
  const threads = options.threads ?? Math.min(8, hardwareConcurrency);
  const runtime = await createWebRuntime(module, { ...options, device, threads });
  const engine = new OrtEngine({ runtime });
  const dispose = async (): Promise<void> => {
    await engine.dispose();
    await runtime.close();
  };
  const opened = async (): Promise<ServedModel> => {
    const program = await onnxProgram(runtime, bytes);
    return exportedModel(exported, program, { engine, dispose, what: file.href });
  };
  const model = await opened().catch(async (error: unknown) => {
    await dispose();
    throw error;
  });
  const answer = answerer(model, file.href);
  const predictAll = async (pictures: readonly PictureInput[]): Promise<Answer[]> => {
    const { alpha } = model.preprocessing;
    const images: HostArray[] = [];
    for (const picture of pictures) images.push(await readPicture(picture, { alpha, decode }));
    return answer(prepareImages(model, images));
  };
  return {
    card: exported.card,
    engine: engine.description,
    predict: async (picture) => (await predictAll([picture]))[0],
    predictAll,
    dispose,
  };
}

const webGpuEngine = async (): Promise<OrtModule> =>
  (await import("onnxruntime-web/webgpu")) as unknown as OrtModule;
const wasmEngine = async (): Promise<OrtModule> =>
  (await import("onnxruntime-web/wasm")) as unknown as OrtModule;

/** Where the model's file lies: an `.onnx` file itself, or the one that a folder names. */
async function modelAt(url: string | URL, weights: string): Promise<URL> {
  const { href } = (globalThis as { location?: { href: string } }).location ?? {};
  const base = new URL(url, href);
  if (/\.onnx$/i.test(base.pathname)) return base;
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  const place = new URL("model.json", base);
  const description = (await (await fetched(place)).json().catch((cause: unknown) => {
    throw new OcelliError("format", `${place.href} is no JSON.`, { cause });
  })) as { readonly files?: Readonly<Record<string, string>> };
  const files = description.files ?? {};
  if (Object.hasOwn(files, weights)) return new URL(files[weights], base);
  throw unknownName(`file of ${base.href}`, weights, Object.keys(files), "argument");
}

async function fetched(url: URL): Promise<Response> {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new OcelliError("data", `${url.href} cannot be fetched.`, { cause });
  });
  if (response.ok) return response;
  throw new OcelliError("data", `${url.href} cannot be fetched: ${response.status}.`);
}
