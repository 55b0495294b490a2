/** The arrows of docs/architecture.md as rules: imports go downwards only. */

const BASE = ["errors", "tree", "define", "random", "columns"];
/** Programs, and what computes with them. */
const LANGUAGE = ["nn", "graph", ...BASE];
/** What everything that trains or serves a model stands on. */
const FLOOR = [
  ...["engines", "runs", "weights", "config", "data", "tasks", "objectives", "evaluate", "models"],
  ...[
    "losses",
    "optim",
    "preprocess",
    "text",
    "formats",
    "packages",
    "file-ranges",
    "files",
    ...LANGUAGE,
  ],
];

/** Rooms from the bottom up; each lists the rooms it may import beside itself. */
const ROOMS = {
  graph: BASE,
  formats: ["graph/dtype", "errors"],
  "file-ranges": ["formats", "files", "errors"],
  packages: ["formats", "file-ranges", "files", "errors"],
  nn: ["graph", ...BASE],
  models: LANGUAGE,
  losses: ["preprocess/example", ...LANGUAGE],
  optim: LANGUAGE,
  text: ["formats", "graph/dtype", ...BASE],
  preprocess: ["formats", "graph", ...BASE],
  objectives: ["models", "losses", "optim", "preprocess", ...LANGUAGE],
  evaluate: ["models", "losses", "optim", "preprocess", "text", "formats", ...LANGUAGE],
  tasks: ["objectives", "evaluate", "models", "losses", "preprocess", "text", ...LANGUAGE],
  engines: ["graph", "formats", "packages", "native-stack", "file-ranges", "files", ...BASE],
  weights: [
    "models",
    "text",
    "formats",
    "preprocess",
    "packages",
    "file-ranges",
    "files",
    ...LANGUAGE,
  ],
  data: [
    ...["preprocess", "text", "formats", "graph/dtype", "packages/peers", "native-stack", "files"],
    ...BASE,
  ],
  config: [
    ...["tasks", "data", "objectives", "evaluate", "models", "optim", "preprocess", "text"],
    ...BASE,
  ],
  http: ["errors"],
  runs: ["data", "preprocess", "formats", "graph/dtype", "files", ...BASE],
  dashboard: ["http", "explain", "transfer", "train", "served", ...FLOOR],
  served: FLOOR,
  train: ["served", ...FLOOR],
  transfer: ["train", "served", ...FLOOR],
  explain: ["transfer", "train", "served", ...FLOOR],
  sweep: ["train", "served", ...FLOOR],
  survey: ["transfer", "served", ...FLOOR],
  search: ["transfer", "train", "served", ...FLOOR],
  pretrain: ["train", "served", ...FLOOR],
  label: ["http", "transfer", "served", ...FLOOR],
  push: ["served", ...FLOOR],
  serve: ["http", "search", "explain", "transfer", "train", "served", ...FLOOR],
  claim: ["transfer", "sweep", "train", "served", ...FLOOR],
};

const path = (room) => `^src/${room}(/|\\.ts$|$)`;

const downwards = Object.entries(ROOMS).map(([room, below]) => ({
  name: `${room}-imports-downwards`,
  severity: "error",
  from: { path: `^src/${room}/`, pathNot: "\\.test\\.ts$" },
  to: { path: "^src/", pathNot: [room, ...below].map(path).join("|") },
}));

const PURE = [
  "graph",
  "nn",
  "models",
  "losses",
  "optim",
  "objectives",
  "evaluate",
  "tasks",
  "preprocess",
  "text",
  "formats",
];

module.exports = {
  forbidden: [
    ...downwards,
    {
      name: "pure-rooms-use-no-node-builtins",
      comment: "these rooms run unchanged in a browser",
      severity: "error",
      from: {
        path: `^src/(${PURE.join("|")})/|^src/(tree|errors|define|random|columns)\\.ts$|^src/train/(step|accumulate|gradients)\\.ts$|^src/served/(answering|device-trees|model|outputs|exporting/(exported|interface|onnx-model|half-weights))\\.ts$`,
        pathNot: "\\.test\\.ts$",
      },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "web-imports-no-machine",
      comment: "of train, web takes only the step; of served and data, what is pure",
      severity: "error",
      from: { path: "^src/web/", pathNot: "\\.test\\.ts$" },
      to: {
        path: "^src/(train/(?!step\\.ts)|served/(?!(answering|device-trees|model|outputs|texts|vectors|exporting/(exported|interface|onnx-model|half-weights))\\.ts)|data/(?!stream/(order|shuffle)\\.ts)|runs/|cli/|serve/)",
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "recipes-import-public-entries",
      severity: "error",
      from: { path: "^(recipes|papers)/" },
      to: { path: "^src/", pathNot: "^src/index\\.ts$|^src/[a-z]+/index\\.ts$" },
    },
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-orphans",
      severity: "error",
      from: { orphan: true, pathNot: "\\.d\\.ts$|^(recipes|papers)/" },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
  },
};
