/** @file What docstring examples take for granted: the values that their words name. */

const X = `const x = ones([3]);`;
const ZOD = `import { z } from "zod";`;
const ENGINE = `const engine = await openEngine("interpreter");`;

/** Code in front of a file's examples. */
export const PRELUDES: Readonly<Record<string, string>> = {
  "src/nn/apply.ts": `const x = ones([2, 4]);
const params = { kernel: ones([4, 10]), bias: ones([10]) };`,
  "src/graph/ops/dot.ts": `const q = ones([2, 3, 4, 5]);
const k = q;`,
  "src/graph/ops/associative-scan.ts": `const a = ones([5]);\nconst b = ones([5]);`,
  "src/graph/ops/scan.ts": `const xs = ones([4, 3]);`,
  "src/graph/gradient.ts": `${X}
const f = (y: Tensor) => reduceSum(mul(y, mul(y, y)));`,
  "src/graph/batching.ts": `const xs = ones([4, 2, 3]);
const y = ones([3, 2]);`,
  "src/engines/engine.ts": ENGINE,
  "src/engines/ort/export.ts": `import { encodeModel } from "ocelli/formats";
const image = (batch) => ({ shape: [batch, 2], dtype: "float32" });
const predict = (x) => mul(x, 2);`,
  "src/formats/tfrecord.ts": `import { concatBytes } from "../../../src/formats/bytes.ts";`,
  "src/formats/tf-example.ts": `const jpeg = Uint8Array.of(255, 216);`,
  "src/models/flexivit.ts": ENGINE,
  "src/models/define.ts": ZOD,
  "src/evaluate/define.ts": `${ZOD}
const average = ({ data }) => data.reduce((sum, x) => sum + x, 0) / data.length;`,
  "src/optim/define.ts": ZOD,
  "src/data/define.ts": ZOD,
  "src/preprocess/operation.ts": `import { byDefault, whole } from "ocelli/preprocess";`,
  "src/config/use.ts": `${ZOD}
const pyramid = defineModel({ name: "pyramid", schema: z.strictObject({}), create: () => vit() });`,
  "src/cli/arguments.ts": `import { predict } from "../../../src/cli/predict.ts";`,
  "src/data/stream/order.ts": `const source = { length: 3 };`,
  "src/sweep/sweep.ts": `import quickstart from "../../../recipes/quickstart.ts";`,
  "src/claim/define.ts": `import recipe from "../../../recipes/quickstart.ts";`,
  "src/config/define-config.ts": `import quickstart from "../../../recipes/quickstart.ts";`,
  "src/config/overrides.ts": `import { configSchema } from "../../../src/config/config.ts";\nconst schema = configSchema();`,
  "src/text/open-tokenizer.ts": `import { readFileSync } from "node:fs";
const bytes = readFileSync("tests/golden/tokenizer/unigram_rules/tokenizer.model");`,
};

/** Files whose examples need a machine that this suite does not have, and what runs them. */
export const SHOWN_ELSEWHERE: Readonly<Record<string, string>> = {
  "src/data/datasets.ts": "src/data/readers/folder.test.ts",
  "src/data/readers/detect.ts": "src/data/readers/detect.test.ts",
  "src/engines/ort/runtime/native.ts": "src/engines/ort/runtime/runtime.test.ts",
  "src/engines/ort/runtime/profile.ts": "src/engines/ort/runtime/native.test.ts",
  "src/engines/ort/runtime/web.ts": "tests/browser",
  "src/engines/xla/index.ts": "tests/contract/xla.test.ts",
  "src/engines/cluster/join.ts": "src/engines/cluster/join.test.ts",
  "src/engines/xla/install.ts": ".ci/run",
  "src/engines/xla/own-plugins.ts": "src/engines/xla/install.test.ts",
  "src/graph/ops/sharding.ts": "tests/xla",
  "src/explain/explain.ts": "tests/e2e/explain.test.ts",
  "src/push/push.ts": "tests/e2e/push.test.ts",
  "src/search/build.ts": "tests/e2e/search.test.ts",
  "src/search/search.ts": "tests/e2e/search.test.ts",
  "src/web/towers.ts": "tests/browser/towers.test.ts",
  "src/served/classification/zero-shot.ts": "tests/e2e/contrastive.test.ts",
  "src/served/exporting/export.ts": "tests/e2e/train.test.ts",
  "src/serve/server.ts": "tests/e2e/serve.test.ts",
  "src/served/exporting/web-folder.ts": "tests/browser/exported.test.ts",
  "src/web/classifier.ts": "tests/browser/exported.test.ts",
  "src/served/predict.ts": "tests/e2e/train.test.ts",
  "src/train/devices/sharding.ts": "src/train/devices/sharding.test.ts",
  "src/transfer/classification/transfer.ts": "tests/e2e/transfer.test.ts",
  "src/train/train.ts": "tests/e2e/train.test.ts",
  "src/web/frozen.ts": "tests/browser",
  "src/web/index.ts": "tests/browser",
  "src/web/picture.ts": "tests/browser",
  "src/web/training.ts": "src/web/training.test.ts",
};
