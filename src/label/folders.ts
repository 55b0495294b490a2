/** @file Labelled pictures copied into a folder for each class. */

import { copyFile, constants, readFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { OcelliError } from "../errors.ts";
import { diskError, makeNamedFolder } from "../files.ts";
import { freeName } from "../data/readers/images.ts";
import { type LabelsFile, pathOf } from "./labels-file.ts";

/** What {@link copyToFolders} did. */
export interface Copied {
  readonly folder: string;
  readonly copied: number;
  /** Pictures whose copy was there already. */
  readonly kept: number;
}

/**
 * Copies every labelled picture to `folder/CLASS/NAME`; the pictures stay where they are. Pictures of one name get a number.
 * A copy that is there already is kept.
 *
 * @throws an argument error for a class that can be no folder; a disk error, also where another file is in a copy's place
 */
export async function copyToFolders(file: LabelsFile, folder: string): Promise<Copied> {
  for (const label of new Set(file.labels.values())) checkFolderName(label);
  const taken = new Map<string, Set<string>>();
  let [copied, kept] = [0, 0];
  for (const [name, label] of file.labels) {
    const from = pathOf(file.path, name);
    const into = join(folder, label);
    if (!taken.has(label)) {
      taken.set(label, new Set());
      await makeNamedFolder(into);
    }
    const end = extname(name);
    const to = join(into, freeName(basename(name, end), taken.get(label)!) + end);
    if (await copyOnce(from, to)) copied++;
    else kept++;
  }
  return { folder, copied, kept };
}

/** Whether a file was copied; false where its copy was there. */
async function copyOnce(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw diskError(to, error);
    const [old, own] = await Promise.all([readFile(to), readFile(from)]);
    if (old.equals(own)) return false;
    throw new OcelliError("disk", `cannot write ${to}: another file is in its way.`, {
      hint: "Name another folder by --out.",
    });
  }
}

/** Names that Windows keeps for devices. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;

function checkFolderName(label: string): void {
  const isBad = /[/\\:*?"<>|]|^\.|[. ]$/.test(label) || DEVICE.test(label);
  if (!isBad) return;
  throw new OcelliError("argument", `the class "${label}" can be no folder.`, {
    given: label,
    hint: "The table of labels trains as it is.",
  });
}
