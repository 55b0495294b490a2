/** @file Where commands write. */

import type { Output } from "./command.ts";
import { printable } from "./printable.ts";

/** Writes for people on a stream: standard error when standard output is kept for JSON. */
export function createOutput(stream: NodeJS.WriteStream): Output {
  const terminal = stream.isTTY === true;
  let shown = false;
  const clear = () => {
    if (shown) stream.write("\r\x1b[K");
    shown = false;
  };
  return {
    terminal,
    line(text) {
      clear();
      stream.write(`${printable(text)}\n`);
    },
    status(status) {
      if (!terminal) return;
      clear();
      const text = printable(status);
      stream.write(stream.columns > 0 ? text.slice(0, stream.columns - 1) : text);
      shown = true;
    },
  };
}
