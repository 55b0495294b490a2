/** @file Text in the columns of a terminal: how many cells it takes, cut and padded to them; bars and small curves. */

/** Scripts and symbols whose characters take two cells: East Asian Wide and Fullwidth (Unicode Standard Annex 11). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;
/** Characters that stand on another one, or take no room. */
const MARKS_ALONE = /^[\p{Mark}\p{Default_Ignorable_Code_Point}]+$/u;
const PLAIN = /^[\x20-\x7e]*$/;

const SEGMENTS = new Intl.Segmenter("en", { granularity: "grapheme" });

const cellsOf = (character: string): number =>
  MARKS_ALONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1;

/** The cells that a text takes on a terminal: two for each wide character, none for marks on others. */
export function textWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of SEGMENTS.segment(text)) width += cellsOf(segment);
  return width;
}

/** A text in at most `width` cells: what is longer ends in `…`. */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let [kept, used] = ["", 0];
  for (const { segment } of SEGMENTS.segment(text)) {
    used += cellsOf(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return width > 0 ? `${kept}…` : "";
}

/** A text with spaces to `width` cells; `flush` puts them before it. */
export function padText(text: string, width: number, flush = false): string {
  const spaces = " ".repeat(Math.max(0, width - textWidth(text)));
  return flush ? spaces + text : text + spaces;
}

/** Rows of equal length as lines, in columns; the `right` ones end flush. */
export function textTable(
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string[] {
  const widths = rows[0].map((_, k) => Math.max(...rows.map((row) => textWidth(row[k]))));
  const flush = new Set(right);
  return rows.map((row) =>
    row
      .map((cell, k) => padText(cell, widths[k], flush.has(k)))
      .join("  ")
      .trimEnd(),
  );
}

const BLOCKS = "▁▂▃▄▅▆▇█";

/** A curve of one cell for each value, from the least to the greatest; values that are not finite are gaps. */
export function sparkline(values: readonly number[]): string {
  const finite = values.filter(Number.isFinite);
  const low = Math.min(...finite);
  const range = Math.max(...finite) - low || 1;
  return values
    .map((value) =>
      Number.isFinite(value)
        ? BLOCKS[Math.round(((value - low) / range) * (BLOCKS.length - 1))]
        : " ",
    )
    .join("");
}

/** A bar of `width` cells, of which `share`, from 0 to 1, is done. */
export function progressBar(share: number, width = 12): string {
  const done = Math.floor(Math.min(Math.max(share, 0), 1) * width);
  return "━".repeat(done) + "─".repeat(width - done);
}
