/** @file `ocelli label`: pictures of a folder, their features, and a page of this machine that labels them. */

import { imagePaths, pathSource } from "../data/readers/images.ts";
import type { DataProblem } from "../data/problems.ts";
import type { Source } from "../data/source.ts";
import { createWorkerPool } from "../data/stream/workers.ts";
import { createBoundedGate } from "../data/time-limit.ts";
import { openEngine } from "../engines/select.ts";
import { cpuBudget } from "../engines/threads.ts";
import { importOptional } from "../packages/peers.ts";
import type { PublishedOptions } from "../served/published.ts";
import { smallPicture } from "../served/pictures.ts";
import { openBackbone } from "../transfer/backbone.ts";
import {
  type FeatureCache,
  type FeatureOptions,
  createExtractor,
  imageFeatures,
} from "../transfer/features.ts";
import { type LabelsFile, openLabels } from "./labels-file.ts";
import { LabelSession } from "./session.ts";

/** Options of {@link serveLabels}. */
export interface LabelOptions
  extends
    Pick<PublishedOptions, "architecture" | "preprocessing" | "use">,
    FeatureCache,
    Pick<FeatureOptions, "progress"> {
  /** What gives features. Default: `efficientnet-lite0`. */
  readonly model?: string;
  /** The table of labels. */
  readonly table: string;
  /** Classes that are known before any label, in the order of their keys. */
  readonly classes?: readonly string[];
  readonly engine?: string;
  /** Pictures computed together. Default: 16. */
  readonly batchSize?: number;
  /** 0 takes any free one. */
  readonly port: number;
  readonly signal?: AbortSignal;
}

/** A page that labels. */
export interface LabelServer {
  readonly url: string;
  readonly session: LabelSession;
  readonly file: LabelsFile;
  /** Pictures that cannot be read, which are not shown. */
  readonly problems: readonly DataProblem[];
  close(): Promise<void>;
}

/** This machine alone. */
const HOST = "127.0.0.1";
/** The longer side of a picture on the page, in pixels. */
const SIDE = 480;
/** Pictures that are asked for at once, at most. */
const WAITING = 256;

/**
 * Serves a page that labels the pictures of a folder and below.
 *
 * @throws the errors of opening folder, table, model and address
 */
export async function serveLabels(dir: string, options: LabelOptions): Promise<LabelServer> {
  const { table, model = "efficientnet-lite0", classes, port } = options;
  const { createApp, listen } = await importOptional(loadHttp);
  const { images } = await imagePaths([dir]);
  const file = await openLabels(table);
  const source = pathSource(images);
  const backbone = await openBackbone(model, options);
  const engine = await openEngine(options.engine);
  try {
    const extractor = await createExtractor(engine, backbone);
    const features = await featuresOf(extractor, source, options);
    const { indices, problems } = features;
    const names = indices.map((index) => file.nameOf(images[index]));
    const session = await LabelSession.begin(engine, features.features, { names, file, classes });
    const { alpha } = extractor.preprocessing;
    const decoding = createBoundedGate(WAITING); // one picture's pixels in memory at a time
    const app = createApp({
      session,
      host: HOST,
      about: { dir, table, model },
      async picture(row) {
        if (!(row in indices)) return undefined;
        return decoding(async () => {
          const { image } = await source.read(indices[row]);
          return smallPicture(image, alpha, SIDE);
        });
      },
    });
    const { server, url } = await listen(app.fetch, { host: HOST, port });
    return {
      ...{ url, session, file, problems: problems.examples },
      async close() {
        await new Promise<void>((done) => {
          server.close(() => done());
          server.closeAllConnections();
        });
        await session.inTurn(() => engine.dispose());
      },
    };
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

async function featuresOf(
  extractor: Awaited<ReturnType<typeof createExtractor>>,
  source: Source,
  { batchSize = 16, signal, progress, ...cache }: LabelOptions,
) {
  const workers = createWorkerPool(cpuBudget().decode);
  try {
    return await imageFeatures(extractor, source, {
      ...{ batchSize, workers, onBadImage: "skip", ...cache },
      progress(done, total) {
        signal?.throwIfAborted();
        progress?.(done, total);
      },
    });
  } finally {
    workers[Symbol.dispose]();
    extractor[Symbol.dispose]();
  }
}

/** The parts that need optional packages. */
async function loadHttp() {
  const [{ createApp }, { listen }] = await Promise.all([
    import("./app.ts"),
    import("../http/listen.ts"),
  ]);
  return { createApp, listen };
}
