/** @file Preprocessing: the language, and resizing images by TensorFlow's kernels and Pillow's. */

export { type AlphaRule, type Colour, opaque } from "./alpha.ts";
export { type Image, imageOf } from "./image.ts";
export {
  type Example,
  type Features,
  type FieldKind,
  type Fields,
  FIELD_KINDS,
  decodeTexts,
  encodeTexts,
} from "./example.ts";
export type { DeviceFeatures } from "./operation.ts";
export { operations } from "./operations.ts";
export { type Preprocessing, parsePreprocessing } from "./pipeline.ts";
export { type Random, seededRandom } from "../random.ts";
export { RESIZE_METHODS, type ResizeMethod, type ResizeOptions, resize } from "./resize/resize.ts";
