/** @file TFRecord files of tf.Example messages. */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import {
  RECORD_FOOTER,
  RECORD_HEADER,
  readRecordBody,
  readRecordHeader,
} from "../../formats/tfrecord.ts";
import { LIMITS } from "../../formats/budget.ts";
import { type ExampleFeature, readExample } from "../../formats/tf-example.ts";
import { type ByteFile } from "../files/random-access.ts";
import { forwardReader, openBytes } from "../files/byte-file.ts";
import { fileIds, inSplit } from "../files/file-ids.ts";
import { parseDataFile } from "../files/files.ts";
import { type Found, foundDataset } from "./found.ts";
import { type Labels, readLabels } from "../classification/labels.ts";
import { expandFiles } from "../files/shards.ts";
import { classKeys, defineSource, filesSchema, labelKeys, splitKeys } from "../define.ts";
import type { Dataset } from "../source.ts";

const tfrecordSchema = z.strictObject({
  /**
   * Paths, addresses, a pattern or a folder; by split where they are an object.
   *
   * @example "train.tfrecord-*"
   */
  files: filesSchema,
  /** The feature that holds the encoded image. Default: `image/encoded` or `image`. */
  image: z.string().optional(),
  /** The feature that holds the label. Default: `image/class/label`, `label` or `image/class/text`. */
  label: z.string().optional(),
  ...classKeys,
  ...splitKeys,
  ...labelKeys,
  /** A feature whose text is the example's id. Default: the file's name and the record's number. */
  id: z.string().optional(),
});

const IMAGES = ["image/encoded", "image"];
const LABELS = ["image/class/label", "label", "image/class/text"];

/** A record's place. */
interface Place {
  readonly file: ByteFile;
  readonly begin: number;
  readonly length: number;
}

/**
 * Images in TFRecord files. The files are gone through once at opening, for labels and places, which are held; an image
 * is then read by its place, and its record's checksum verified.
 */
async function openTfrecord({
  files,
  image,
  label,
  id,
  ...keys
}: z.output<typeof tfrecordSchema>): Promise<Dataset> {
  const images = image === undefined ? IMAGES : [image];
  const labelNames = keys.labels === "none" ? [] : label === undefined ? LABELS : [label];
  const small = new Set([...labelNames, ...(id === undefined ? [] : [id])]);
  const splits = new Map<string, Found>();
  const groups = await expandFiles(files, /\.tfrecords?([-.].*)?$/i);
  for (const [split, paths] of groups) {
    const names = fileIds(paths);
    const places: Place[] = [];
    const ids: string[] = [];
    const labels: (Labels | undefined)[] = [];
    let missing: string | undefined;
    for (const [i, path] of paths.entries()) {
      const file = await openBytes(path);
      let count = 0;
      for await (const { place, payload } of records(file)) {
        const which = `${path}, record ${count}`;
        const features = parseDataFile(which, () => readExample(payload, small));
        const found = labelOf(features, labelNames, which);
        if (found === undefined) {
          missing ??= `${which} has no label under ${labelNames.join(", ")}. Name its feature by data.label.`;
        }
        labels.push(found);
        const given = id === undefined ? undefined : textOf(features.get(id), which);
        if (id !== undefined && !given)
          throw new OcelliError("data", `${which} has no text "${id}".`);
        ids.push(inSplit(split, given ?? `${names[i]}/${count}`));
        places.push(place);
        count++;
      }
    }
    splits.set(split, {
      ids,
      labels,
      missing,
      image: (index) => readImage(places[index], ids[index], images),
    });
  }
  const place = [...groups.values()].flat()[0] ?? JSON.stringify(files);
  return foundDataset({ name: "tfrecord", splits, place }, keys);
}

async function* records(file: ByteFile): AsyncGenerator<{ place: Place; payload: Uint8Array }> {
  const forward = forwardReader(file);
  const what = file.name;
  for (let at = 0; at < file.size;) {
    const length = readRecordHeader(await forward(at, RECORD_HEADER), { what });
    const begin = at + RECORD_HEADER;
    const body = await forward(begin, length + RECORD_FOOTER);
    const payload = readRecordBody(body, length, { what });
    yield { place: { file, begin, length }, payload };
    at = begin + length + RECORD_FOOTER;
  }
}

/** A record's label; undefined where it has none. */
function labelOf(
  features: ReadonlyMap<string, ExampleFeature>,
  names: readonly string[],
  which: string,
): Labels | undefined {
  const values = names.map((name) => features.get(name)).find((some) => some && some.length > 0);
  const labels = values?.map((value) =>
    typeof value === "number" ? value : readLabels(textIn(value, which), which),
  );
  return labels && (labels.length === 1 ? labels[0] : readLabels(labels, which));
}

/** The text of bytes that are short enough for one. */
function textIn(bytes: Uint8Array, which: string): string {
  if (bytes.length <= LIMITS.name) return new TextDecoder().decode(bytes);
  throw new OcelliError("data", `${which}: a text of ${bytes.length} bytes is no name.`);
}

const textOf = (values: ExampleFeature | undefined, which: string): string | undefined => {
  const [value] = values ?? [];
  return typeof value === "object" ? textIn(value, which).normalize() : undefined;
};

async function readImage({ file, begin, length }: Place, id: string, names: readonly string[]) {
  const body = await file.read(begin, begin + length + RECORD_FOOTER);
  const which = `${file.name}, ${id}`;
  const features = parseDataFile(which, () =>
    readExample(readRecordBody(body, length, { what: "record" }), new Set(names)),
  );
  const [image] =
    names.map((name) => features.get(name)).find((values) => values !== undefined) ?? [];
  if (image instanceof Uint8Array) return image;
  throw new OcelliError("data", `${which} has no bytes under ${names.join(", ")}.`, {
    hint: "Name its feature by data.image.",
  });
}

/** TFRecord files in a configuration. */
export const tfrecordData = defineSource({
  name: "tfrecord",
  schema: tfrecordSchema,
  open: openTfrecord,
});
