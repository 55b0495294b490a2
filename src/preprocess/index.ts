/** @file Preprocessing: the language, and resizing images by TensorFlow's kernels and Pillow's. */

export { type AlphaRule, type Colour, opaque } from "./alpha.ts";
export { type Image, imageOf, makeImage } from "./image.ts";
export {
  type Example,
  type Features,
  type FieldKind,
  type Fields,
  FIELD_KINDS,
  decodeTexts,
  encodeTexts,
} from "./example.ts";
export {
  type DeviceFeatures,
  type Operation,
  type OperationDefinition,
  defineOperation,
  imageOperation,
  operation,
  regionOperation,
} from "./operation.ts";
export { OPERATIONS } from "./operations.ts";
export {
  type Parameter,
  byDefault,
  byName,
  flag,
  listOf,
  number,
  oneOf,
  optional,
  text,
  whole,
} from "./parameters.ts";
export { type Preprocessing, parsePreprocessing } from "./pipeline.ts";
export { type Random, seededRandom } from "../random.ts";
export { RESIZE_METHODS, type ResizeMethod, type ResizeOptions, resize } from "./resize/resize.ts";
export { AUGMENTATIONS, type ViewsOptions, withViews } from "./views.ts";
