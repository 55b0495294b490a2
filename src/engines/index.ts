/** @file Engines: the contract, how to run functions on one, and the engines themselves. */

export {
  type ArrayLike,
  type CompileOptions,
  type DeviceArray,
  type Engine,
  type Executable,
  type JitOptions,
  evaluate,
  jit,
} from "./engine.ts";
export { type Mesh, meshSize, parseMesh, showMesh } from "./mesh.ts";
export { createInterpreter } from "./interpreter/index.ts";
export { type OrtOptions, createOrtEngine, createWebGpuEngine } from "./ort/index.ts";
export { ENGINE_NAMES, type EngineReport, listEngines, openEngine } from "./select.ts";
export { type CpuBudget, cpuBudget } from "./threads.ts";
export {
  type Cluster,
  type XlaOptions,
  connectXlaEngine,
  createXlaEngine,
  folderStore,
} from "./xla/index.ts";
