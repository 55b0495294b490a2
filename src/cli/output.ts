/** @file Where commands write. */

import { cutText } from "../columns.ts";
import type { Output } from "./command.ts";
import { printable } from "./printable.ts";

/** Cells of a line that no terminal shows. */
const COLUMNS = 100;

/** What is left out. */
export interface OutputOptions {
  /** Progress and notes. */
  readonly quiet?: boolean;
  /** Results for people, where they are printed in another form. */
  readonly elsewhere?: boolean;
}

/** Writes for people on a stream: standard error when standard output is kept for JSON. */
export function createOutput(
  stream: NodeJS.WriteStream,
  { quiet = false, elsewhere = false }: OutputOptions = {},
): Output {
  const terminal = stream.isTTY === true;
  let shown = false;
  const clear = () => {
    if (shown) stream.write("\r\x1b[K");
    shown = false;
  };
  const write = (text: string) => {
    clear();
    stream.write(`${printable(text)}\n`);
  };
  return {
    terminal,
    get columns() {
      return terminal && stream.columns > 0 ? stream.columns : COLUMNS;
    },
    line(text) {
      if (!quiet) write(text);
    },
    result(text) {
      if (!quiet || !elsewhere) write(text);
    },
    status(status) {
      if (!terminal || quiet) return;
      clear();
      const text = printable(status);
      stream.write(stream.columns > 0 ? cutText(text, stream.columns - 1) : text);
      shown = true;
    },
  };
}
