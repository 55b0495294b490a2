/** @file Exported models fetched into a tab, and the engine that computes them. */

import { OrtEngine } from "../engines/ort/engine.ts";
import { onnxProgram } from "../engines/ort/onnx-program.ts";
import type { OrtModule } from "../engines/ort/runtime/js-api.ts";
import { type WebRuntimeOptions, createWebRuntime, hasWebGpu } from "../engines/ort/runtime/web.ts";
import { OcelliError } from "../errors.ts";
import { decodeModel } from "../formats/onnx-decode.ts";
import { exportedModel, readExported } from "../served/exporting/exported.ts";
import type { ServedModel } from "../served/model.ts";
import type { Tokenizer } from "../text/index.ts";
import type { Decoding } from "./decode.ts";

/** Options of whatever loads exported models. */
export interface LoadOptions extends Partial<WebRuntimeOptions> {
  /** The module to compute with. Default: `onnxruntime-web/webgpu` where there is WebGPU, else `onnxruntime-web/wasm`. */
  readonly ort?: OrtModule;
  /** Of an exported folder, which of its models. Default: "float32". */
  readonly weights?: "float32" | "float16";
  /** "exact" gives Node's pixels; "fast" leaves every file to the browser. Default: "exact". */
  readonly decode?: Decoding;
}

/** What computes in a tab. It owns memory until it is disposed. */
export interface TabEngine {
  /** In one line. */
  readonly description: string;
  /** An exported model of these bytes, whose `dispose` gives up nothing: the engine holds its program. */
  open(bytes: Uint8Array, what: string, tokenizer?: Tokenizer): Promise<ServedModel>;
  dispose(): Promise<void>;
}

/** Opens the engine: on WebGPU where the browser has an adapter, else on WebAssembly. */
export async function openTabEngine({
  ort,
  device = "auto",
  ...options
}: Pick<LoadOptions, "ort" | keyof WebRuntimeOptions>): Promise<TabEngine> {
  const gpu = device !== "wasm" && (await hasWebGpu());
  const module = ort ?? (await (gpu ? webGpuEngine() : wasmEngine()));
  const { hardwareConcurrency = 1 } = globalThis.navigator ?? {};
  const threads = options.threads ?? Math.min(8, hardwareConcurrency);
  const runtime = await createWebRuntime(module, { ...options, device, threads });
  const engine = new OrtEngine({ runtime });
  return {
    description: engine.description,
    async open(bytes, what, tokenizer) {
      const exported = readExported(decodeModel(bytes).metadata, what);
      const program = await onnxProgram(runtime, bytes);
      const dispose = (): Promise<void> => Promise.resolve();
      return exportedModel(exported, program, { engine, dispose, what, tokenizer });
    },
    async dispose() {
      await engine.dispose();
      await runtime.close();
    },
  };
}

const webGpuEngine = async (): Promise<OrtModule> =>
  (await import("onnxruntime-web/webgpu")) as unknown as OrtModule;
const wasmEngine = async (): Promise<OrtModule> =>
  (await import("onnxruntime-web/wasm")) as unknown as OrtModule;

/** An address relative to the page; of a folder it ends with a slash. */
export function addressOf(url: string | URL): URL {
  const { href } = (globalThis as { location?: { href: string } }).location ?? {};
  const address = new URL(url, href);
  const isFile = /\.onnx$/i.test(address.pathname);
  if (!isFile && !address.pathname.endsWith("/")) address.pathname += "/";
  return address;
}

/** The files of a model, by how its weights are stored. */
type Files = Readonly<Record<string, string>>;

/** What the `model.json` of an exported folder says, as far as it is needed to load it. */
export interface FolderDescription {
  readonly files?: Files;
  readonly towers?: Readonly<Record<string, { readonly files?: Files }>>;
  readonly task?: unknown;
  /** Differs between models. */
  readonly fingerprint?: string;
}

/** Reads the `model.json` of a folder. */
export async function describedFolder(folder: URL): Promise<FolderDescription> {
  const place = new URL("model.json", folder);
  const notJson = (cause?: unknown): OcelliError =>
    new OcelliError("format", `${place.href} is no JSON of ocelli export.`, { cause });
  const text = await (await fetched(place)).text();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as FolderDescription;
  } catch (cause) {
    throw notJson(cause);
  }
  throw notJson();
}

/** The bytes at an address. */
export const bytesAt = async (url: URL): Promise<Uint8Array> =>
  new Uint8Array(await (await fetched(url)).arrayBuffer());

async function fetched(url: URL): Promise<Response> {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new OcelliError("data", `${url.href} cannot be fetched.`, { cause });
  });
  if (response.ok) return response;
  throw new OcelliError("data", `${url.href} cannot be fetched: ${response.status}.`);
}
