/** The arrows of docs/architecture.md as rules: imports go downwards only. */

/** Rooms from the bottom up; each lists the rooms it may import beside itself. */
const ROOMS = {
  graph: ["errors", "tree"],
  formats: ["graph/dtype", "errors"],
  packages: ["formats", "file-ranges", "files", "errors"],
  nn: ["graph", "errors", "tree"],
  models: ["nn", "graph", "errors", "tree"],
  losses: ["nn", "graph", "errors", "tree"],
  optim: ["nn", "graph", "errors", "tree"],
  text: ["formats", "graph/dtype", "errors", "tree"],
  preprocess: ["formats", "graph", "errors", "tree"],
  objectives: ["models", "losses", "optim", "nn", "graph", "preprocess", "errors", "tree"],
  evaluate: ["models", "losses", "optim", "nn", "graph", "formats", "errors", "tree"],
  engines: [
    "graph",
    "formats",
    "packages",
    "native-stack",
    "file-ranges",
    "files",
    "errors",
    "tree",
  ],
  weights: [
    "models",
    "nn",
    "formats",
    "preprocess",
    "graph",
    "packages",
    "file-ranges",
    "files",
    "errors",
    "tree",
  ],
  data: [
    "preprocess",
    "text",
    "formats",
    "graph/dtype",
    "packages/peers",
    "native-stack",
    "files",
    "errors",
    "tree",
  ],
  runs: ["preprocess", "formats", "graph/dtype", "files", "errors", "tree"],
  dashboard: ["runs", "preprocess", "formats", "graph/dtype", "files", "errors", "tree"],
  train: [
    "engines",
    "runs",
    "weights",
    "data",
    "objectives",
    "evaluate",
    "models",
    "losses",
    "optim",
    "nn",
    "preprocess",
    "text",
    "formats",
    "graph",
    "packages",
    "files",
    "errors",
    "tree",
  ],
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
        path: `^src/(${PURE.join("|")})/|^src/(tree|errors)\\.ts$|^src/train/(step|accumulate)\\.ts$`,
        pathNot: "\\.test\\.ts$",
      },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "web-imports-no-machine",
      comment: "of train, web takes only the step",
      severity: "error",
      from: { path: "^src/web/", pathNot: "\\.test\\.ts$" },
      to: {
        path: "^src/(train/(?!step\\.ts)|data/|runs/|cli/|serve/)",
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
