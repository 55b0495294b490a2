/** @file The files of a folder that was dropped or chosen, with their paths. */

/** A file and its path from the folder that was given, which is the first part where there is one. */
export interface FoundFile {
  readonly file: File;
  readonly path: string;
}

/** All files below what was dropped; hidden ones are left out. */
export async function filesOf({ items }: DataTransfer): Promise<FoundFile[]> {
  // entries are there only until the event's handler gives way
  const entries = [...items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  const found: FoundFile[] = [];
  for (const entry of entries) await walk(entry, "", found);
  return found;
}

/** The same of a folder, or of files, that were chosen. */
export const chosenFiles = (files: Iterable<File>): FoundFile[] =>
  [...files].flatMap((file) => {
    const path = file.webkitRelativePath || file.name;
    return path.split("/").some(isHidden) ? [] : [{ file, path }];
  });

const isHidden = (name: string): boolean => name.startsWith(".");

async function walk(entry: FileSystemEntry, above: string, found: FoundFile[]): Promise<void> {
  if (isHidden(entry.name)) return;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    found.push({ file, path: `${above}${entry.name}` });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // a browser hands out a hundred at a time
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (part.length === 0) return;
    for (const inner of part) await walk(inner, `${above}${entry.name}/`, found);
  }
}
