/** @file The files of a folder that was dropped or chosen, each with the folder that it lies in as its class. */

import type { Labelled } from "./protocol.ts";

/** All files below what was dropped; hidden ones are left out. */
export async function filesOf({ items }: DataTransfer): Promise<Labelled[]> {
  // entries are there only until the event's handler gives way
  const entries = [...items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  const found: Labelled[] = [];
  for (const entry of entries) await walk(entry, "", found);
  return found;
}

/** The same of a folder that was chosen. */
export const chosenFiles = (files: Iterable<File>): Labelled[] =>
  [...files].flatMap((file) => {
    const path = file.webkitRelativePath.split("/");
    return path.some(isHidden) ? [] : [{ file, label: path.at(-2) ?? "" }];
  });

const isHidden = (name: string): boolean => name.startsWith(".");

async function walk(entry: FileSystemEntry, label: string, found: Labelled[]): Promise<void> {
  if (isHidden(entry.name)) return;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    found.push({ file, label });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // a browser hands out a hundred at a time
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (part.length === 0) return;
    for (const inner of part) await walk(inner, entry.name, found);
  }
}
