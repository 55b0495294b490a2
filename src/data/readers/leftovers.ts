/** @file What systems and tools leave beside people's files: names that are never data. */

const NAMES = new Set([
  "__macosx",
  "thumbs.db",
  "ehthumbs.db",
  "desktop.ini",
  "icon\r",
  "@eadir",
  "#recycle",
  "@recycle",
  "$recycle.bin",
  "system volume information",
  "lost+found",
  "__pycache__",
]);

/** Whether a file's or folder's name is hidden, or one that archives, file managers and network disks leave behind. */
export const isLeftover = (name: string): boolean =>
  name.startsWith(".") || NAMES.has(name.toLowerCase());
