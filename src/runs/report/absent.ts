/** @file What stands in a part of a report that has nothing to show: why, and the command that fills it. */

import { relative, sep } from "node:path";
import { isObject } from "../read-config.ts";
import type { RunSummary } from "../read.ts";
import { resumeCommand, shellWord } from "../run.ts";
import { type Html, html } from "./html.ts";

/** A sentence with a command. */
const absent = (text: string, command: string): Html =>
  html`<p class="none">${text} <code>${command}</code></p>`;

/** The run's folder as it is named from where the program runs, or whole where it lies elsewhere. */
function named(folder: string): string {
  const below = relative(process.cwd(), folder);
  return below === "" || below.split(sep)[0] === ".." ? folder : below;
}

/** What a training writes as it goes, and has not written. */
export function unwritten(what: string, { state, folder }: RunSummary): Html {
  const run = named(folder);
  switch (state) {
    case "running":
      return absent(
        `${what} yet: the training is running. To write the report again later:`,
        `ocelli report ${shellWord(run)}`,
      );
    case "interrupted":
    case "unreadable":
      return absent(`${what}: the training was stopped. To resume it:`, resumeCommand(run));
    case "finished":
      return absent(
        `${what}. To judge the model now, in the terminal:`,
        `ocelli eval ${shellWord(run)}`,
      );
  }
}

/** What a survey of the run's data shows. */
export function unrecorded(what: string, { config: { data } }: RunSummary): Html {
  const { dir, path, name } = isObject(data) ? data : {};
  const given = [dir, path, name === "mnist" || name === "composites" ? name : undefined];
  const where = given.find((value) => typeof value === "string");
  return absent(
    `${what}. To look through the data:`,
    `ocelli data ${where === undefined ? "PATH" : shellWord(where)} --html data.html`,
  );
}
