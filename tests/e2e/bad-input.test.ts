import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeNpz } from "../../src/formats/npz.ts";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";
import { fromNumbers } from "../../src/graph/index.ts";
import { TINY, runCli } from "./run-cli.ts";

const dir = await mkdtemp(join(tmpdir(), "ocelli-bad-"));
const at = (name: string): string => join(dir, name);

beforeAll(async () => {
  const captured = await runCli(["train", "quickstart", ...TINY, "--workdir", at("run"), "--json"]);
  expect(captured.code).toBe(0);
  await sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } })
    .png()
    .toFile(at("red.png"));
  await writeFile(at("text.png"), "not an image");
  await writeFile(at("broken.ts"), "export default {{");
  await writeFile(at("empty.ts"), "export const config = 1;");
  await writeFile(at("number.ts"), "export default 3;");
  await writeFile(at("no-name.ts"), "export default { seed: 1 };");
  await mkdir(at("nothing"));
  for (const kind of ["tar", "parquet", "tfrecord", "jsonl", "csv"]) {
    await writeFile(at(`junk.${kind}`), "junk, and no more than that");
  }
  await writeFile(at("text.tar.gz"), "");
  await writeFile(at("other.onnx"), "no model");
  for (const folder of ["one/only", "bad/a", "bad/b"]) {
    await mkdir(at(folder), { recursive: true });
    for (let i = 0; i < 9; i++) await writeFile(at(`${folder}/${i}.png`), "not an image");
  }
  await writeFile(at("junk.safetensors"), "junk");
  const { tensors, metadata } = readSafetensors(await readFile(at("run/checkpoint.safetensors")));
  await writeFile(at("foreign.safetensors"), writeSafetensors(tensors));
  const { "params/head/bias": _, ...rest } = tensors;
  const changed = {
    ...rest,
    "params/head/kernel": fromNumbers(new Float32Array(48), [16, 3], "float32"),
  };
  await writeFile(at("changed.safetensors"), writeSafetensors(changed, metadata));
  const bytes = await readFile(at("run/checkpoint.safetensors"));
  await writeFile(at("short.safetensors"), bytes.subarray(0, bytes.length - 8));
  await mkdir(at("npz"));
  const images = fromNumbers(new Uint8Array(32), [2, 4, 4], "uint8");
  await writeFile(
    at("npz/train.npz"),
    writeNpz({ images, labels: fromNumbers([0], [1], "uint8") }),
  );
  await writeFile(
    at("npz/float.npz"),
    writeNpz({
      images: fromNumbers(new Float32Array(32), [2, 4, 4], "float32"),
      labels: fromNumbers([0, 1], [2], "uint8"),
    }),
  );
});
afterAll(() => rm(dir, { recursive: true }));

const train = (...args: string[]): string[] => ["train", "quickstart", ...args];
const tiny = (...args: string[]): string[] => {
  const names = args.map((arg) => arg.split("=")[0]);
  return train(...TINY.filter((flag) => !names.includes(flag.split("=")[0])), ...args);
};

/** Arguments, and what the one line on standard error must say. */
const CASES: readonly (readonly [args: string[], message: string])[] = [
  // Commands and flags.
  [["trian", "quickstart"], 'unknown command "trian"; valid: train,'],
  [["--vresion"], 'unknown option "--vresion"'],
  [["train"], "ocelli train: it needs CONFIG."],
  [
    ["claim", "--full"],
    "ocelli claim: it needs SYSTEM. ocelli claim lists them; --all runs every one.",
  ],
  [["claim", "vit", "--all"], "--all runs every claim, not only vit. Leave one of the two out."],
  [["claim", "vit-22"], 'unknown claim "vit-22"; valid: vit-22b,'],
  [["claim", "vit", "--engine", "orrt"], 'unknown engine "orrt"; valid: ort,'],
  [["claim", "vit", "--data", "nowhere"], "nowhere"],
  [["train", "quickstart", "twice"], '"twice" is too much; it takes CONFIG.'],
  [train("--wrokdir", "x"), 'unknown option "--wrokdir"; valid: --workdir,'],
  [train("--workdir"), "--workdir needs a value."],
  [train("--engine", "--json"), "--engine needs a value."],
  [train("-e", "ort"), '"-e" is no option; options begin with two dashes.'],
  [train("--seed", "1", "--seed", "2"), "--seed is given twice."],
  [train("--json=yes"), "--json takes no value."],
  [train("--print-program"), "--print-program is for XLA; the engine is auto."],
  [train("--cluster", "coordinator=a:1,proces=0"), 'unknown key of --cluster "proces"'],
  [train("--cluster", "coordinator=a:1,process=0"), "processes is missing."],
  [
    tiny("--cluster", "coordinator=a:1,process=0,processes=2"),
    "several processes need a mesh over the devices of all.",
  ],
  [train("--engine", "orrt"), 'unknown engine "orrt"; valid: ort,'],
  [["engines", "instal"], 'unknown engines command "instal"; valid: install.'],
  [
    ["engines", "install", "xla-cpuu"],
    'unknown plugin "xla-cpuu"; valid: xla-cpu, xla-cuda12, xla-cuda13.',
  ],
  [["predict", "run"], "ocelli predict: it needs RUN|MODEL IMAGE|FOLDER|URL|-…."],
  [
    ["predict", "run", "a.png", "--top-k", "many"],
    '--top-k must be a whole number above 0, not "many".',
  ],
  [["predict", "run", "a.png", "--topk", "1"], 'unknown option "--topk"; valid: --top-k,'],
  [["export", "run"], "ocelli export needs --to. Valid: onnx, safetensors, npz, web."],
  [["export", "run", "--to", "onx"], 'unknown format "onx"; valid: onnx,'],
  [["bench", "step", "--engine", "xla"], 'unknown engine "xla"'],
  // Recipes and configuration files.
  [["train", "quickstrat"], 'unknown recipe "quickstrat"; valid: quickstart,'],
  [["train", at("gone.ts")], "there is no configuration file"],
  [["train", at("broken.ts")], "broken.ts cannot be loaded: "],
  [
    ["train", at("empty.ts")],
    "empty.ts has no default export. Write: export default defineConfig(",
  ],
  [["train", at("number.ts")], "the configuration must be an object, not 3."],
  [["train", at("no-name.ts")], "name is missing; it must be a string."],
  // Keys, names and types.
  [train("--sede", "1"), 'unknown option "--sede"; valid: --seed,'],
  [train("--model.widht", "96"), 'unknown option "--model.widht"; valid: --model.width,'],
  [train("--model.name", "vti"), "model.name must be one of vit"],
  [train("--data.name", "minst"), "data.name must be one of mnist,"],
  [train("--data.dir", "x"), 'unknown option "--data.dir"'],
  [train("--optimizer.name", "adan"), "optimizer.name must be one of adam,"],
  [train("--optimizer.b3", "0.9"), 'unknown option "--optimizer.b3"; valid: --optimizer.b1,'],
  [
    train("--optimizer.schedule.decayType", "cosin"),
    "optimizer.schedule.decayType must be one of cosine,",
  ],
  [train("--optimizer.lr", "fast"), 'optimizer.lr must be a number, not "fast".'],
  [train("--optimizer.lr", "-1"), "optimizer.lr must be at least 0, not -1."],
  [train("--batchSize", "12.5"), "batchSize must be a whole number, not 12.5."],
  [train("--batchSize", "0"), "batchSize must be at least 1, not 0."],
  [train("--duration.epoch", "3"), 'unknown option "--duration.epoch"; valid: --duration.epochs,'],
  [train("--duration.epochs", "-3"), "duration.epochs must be at least 0, not -3."],
  [train("--model.patchSize", "7"), "model.patchSize must be"],
  [train("--model.posemb", "sincos"), "model.posemb must be one of sincos2d, learn;"],
  [train("--objective.loss", "softmx"), "objective.loss must be one of softmax,"],
  [train("--name", "a/b"), 'name must be letters, digits, dots, dashes, underscores, not "a/b".'],
  [
    train("--preprocess.train", "random_shfit(2)"),
    'unknown preprocessing operation "random_shfit"; valid: random_shift,',
  ],
  [train("--preprocess.train", "resize"), "preprocessing: resize("],
  [
    train("--preprocess.eval", "resize(28)"),
    "preprocess.eval must end with an operation that scales the pixels.",
  ],
  [
    train("--preprocess.eval", "resize(14)|value_range"),
    "preprocess.train gives images of [28,28,1], preprocess.eval of [14,14,1].",
  ],
  [train("--duration.percent", "50"), "a duration in percent needs totalSteps"],
  // Data.
  [train("--split", "trian"), 'unknown split of mnist "trian"; valid: train, test.'],
  [
    train("--split", "train[60000:]"),
    'the split "train[60000:]" is empty: train has 60000 examples.',
  ],
  [
    train("--split", "train[1]"),
    'the split "train[1]" is not a name, or a slice such as train[:90%].',
  ],
  [train("--evals.test.split", "val"), 'unknown split of mnist "val"'],
  [train("--data.name", "idx"), "data.dir is missing; it must be a string."],
  [train("--data.name=idx", `--data.dir=${at("gone")}`), "there is no such file or folder."],
  [
    train("--data.name=idx", `--data.dir=${at("nothing")}`),
    "has no files named like train-images-idx3-ubyte",
  ],
  [train("--data.name=npz", `--data.dir=${at("nothing")}`), "has no .npz files"],
  [
    train("--data.name=npz", `--data.dir=${at("npz")}`),
    "npz/train: 2 images, but labels of shape [1].",
  ],
  [
    train("--data.name=npz", `--data.dir=${at("npz")}`, "--split=float"),
    "npz/float: images are uint8[n,height,width]",
  ],
  // Models and shapes.
  [tiny("--model.numHeads=3"), "16"],
  [tiny("--model.variant=XL/16"), "model.variant must be one of mu, Ti,"],
  [
    tiny("--model.numClasses=12"),
    "model.numClasses is 12, but mnist has 10 classes. Leave it out.",
  ],
  // Run folders and checkpoints.
  [tiny(`--workdir=${at("run")}`), "already holds a run (config.json). Choose another --workdir."],
  [tiny(`--workdir=${at("text.png")}`), "cannot be written: a file is in its way."],
  [tiny(`--init=${at("gone")}`, `--workdir=${at("w1")}`), "there is no checkpoint at"],
  [
    tiny(`--init=${at("run")}`, "--model.width=32", `--workdir=${at("w2")}`),
    "run does not fit the model: Transformer/encoder_norm/bias is float32[16] (model: float32[32]);",
  ],
  [tiny(`--init.weights=${at("gone.npz")}`, `--workdir=${at("w1")}`), "gone.npz"],
  [tiny("--init.head=drop", `--workdir=${at("w1")}`), "init.weights is missing"],
  [
    tiny(`--init.weights=${at("run")}`, "--init.head=dropp", `--workdir=${at("w1")}`),
    "init.head must be one of drop, keep",
  ],
  [
    ["predict", at("nothing"), at("red.png")],
    "nothing holds none of the files that weights are in: *.safetensors",
  ],
  [["predict", at("no/run"), at("red.png")], "there is no run and no file at "],
  [["probe", at("no/run"), "--data=mnist"], "there is no run and no file at "],
  [["transfer", `--model=${at("no/run")}`, "--data=mnist"], "there is no run and no file at "],
  [["predict", at("junk.safetensors"), at("red.png")], "safetensors file"],
  [["predict", at("short.safetensors"), at("red.png")], "safetensors file: its header describes"],
  [
    ["predict", at("foreign.safetensors"), at("red.png")],
    "foreign.safetensors does not say which model it is of. Add --architecture",
  ],
  [
    ["predict", at("changed.safetensors"), at("red.png")],
    "changed.safetensors does not fit the model: head/bias is missing (model: float32[10]); head/kernel is float32[16,3] (model: float32[16,10]).",
  ],
  [["export", at("gone"), "--to", "npz"], "Give the folder that ocelli train printed"],
  // Images.
  [
    ["predict", at("run"), at("gone.png"), "--engine=interpreter"],
    "gone.png: there is no such file or folder.",
  ],
  [["predict", at("run"), at("text.png"), "--engine=interpreter"], "text.png cannot be decoded"],
  [["predict", at("run"), at("nothing"), "--engine=interpreter"], "nothing has no images."],
  [
    ["predict", at("run"), at("red.png"), "--on-bad-image", "skp"],
    'unknown policy for bad images "skp"; valid: skip, error.',
  ],
  [["predict", at("other.onnx"), at("red.png")], "other.onnx: ONNX model is truncated or damaged."],
  // One's own images.
  [["train", "folder"], "folder is a recipe for your own images: it needs --data."],
  [["train", "folder", "--data", at("gone")], "gone: there is no such file or folder."],
  [["train", "folder", "--data", at("nothing")], "nothing has 0 images and 0 other files"],
  [["train", "folder", "--data", at("red.png")], "red.png is a single image."],
  [["train", "folder", "--data", at("text.tar.gz")], "text.tar.gz is compressed"],
  [["train", "folder", "--data", at("junk.tar")], "junk.tar is truncated."],
  [
    ["train", "folder", "--data", at("junk.parquet")],
    "junk.parquet is no parquet file, or damaged",
  ],
  [
    ["train", "folder", "--data", at("junk.tfrecord")],
    "junk.tfrecord: the checksum of a record's length does not match.",
  ],
  [
    ["train", "folder", "--data", at("junk.jsonl")],
    "junk.jsonl, line 1: this line of JSON is truncated or damaged.",
  ],
  [["train", "folder", "--data", at("junk.csv")], "junk.csv has no images."],
  [["train", "folder", "--data", at("one")], "one has only one class: only."],
  [["train", "folder", "--data", at("bad"), "--evals.test.split=all"], "cannot be decoded"],
  [["eval", at("nothing")], "nothing does not say which data to evaluate on. Name it as --data."],
  [["eval", at("run"), "--type", "knnn"], 'unknown evaluation "knnn"; valid: knn,'],
  [train("--evals.test.type", "kn"), "evals.test.type must be one of knn,"],
  [["eval", at("run"), "--data", "mnist", "--split", "tset"], 'unknown split of mnist "tset"'],
  [["train", "--resume", at("gone")], "gone holds no run to resume: it has no config.json."],
  [["train", "--resume", at("run")], "run has finished; there is nothing to resume."],
  [["train", "quickstart", "--resume", at("run")], "--resume RUN takes neither a configuration"],
  // Meshes.
  [train("--mesh", "data=2"), "--engine auto has no mesh data=2. Take --engine xla-cpu"],
  [
    train("--products", "tf32", "--engine", "ort"),
    "--engine ort has no products in TF32. Take --engine xla-cuda12 or xla-cuda13",
  ],
  [train("--mesh", "dta"), 'the mesh "dta": "dta" is no axis.'],
  [train("--mesh", "data=3"), "a batch of 128 does not divide over the mesh data=3."],
  // Sweeps and runs.
  [["sweep", "quickstart"], "quickstart is no sweep: it needs --grid or --random."],
  [["sweep", "quickstart", "--grid", "lr"], '--grid: "lr" is not KEY=VALUES.'],
  [["sweep", "quickstart", "--grid", "lrr=1"], 'unknown option "--lrr"; valid: --optimizer.lr,'],
  [["sweep", "quickstart", "--random", "lr=log:0..1"], "a range goes from 0 to 1;"],
  [["runs", at("gone")], "there is no folder"],
  [["report", at("nothing")], "unknown run"],
];

test.each(
  CASES.map(([args, message]) => ({ args, message, shown: args.join(" ").replaceAll(dir, "") })),
)("ocelli $shown", async ({ args, message }) => {
  const { code, stderr } = await runCli(args);
  const [line, ...rest] = stderr.trimEnd().split("\n").slice(-1);
  expect(line).toMatch(/^ocelli: /);
  expect(line).toContain(message);
  expect(rest).toEqual([]);
  expect(code).toBe(2);
});
