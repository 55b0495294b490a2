/** @file File formats: bytes in, typed arrays out, and back. */

export { type NpzFile, type NpzOptions, openNpz, readNpz, writeNpz } from "./npz.ts";
export { readNpy, writeNpy } from "./npy.ts";
export type { ByteRanges } from "./bytes.ts";
export {
  type Safetensors,
  type SafetensorsFile,
  openSafetensors,
  readSafetensors,
  readSafetensorsHeader,
  safetensorsChunks,
  writeSafetensors,
} from "./safetensors.ts";
export { readIdx } from "./idx.ts";
export { readPngMap, writePngMap } from "./png.ts";
export type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxValueInfo } from "./onnx.ts";
export { type EncodedOnnx, encodeModel } from "./onnx-encode.ts";
export { type OnnxDescription, decodeModel } from "./onnx-decode.ts";
