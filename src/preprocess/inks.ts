/** @file Inks as colours, where no profile says which colours they are. */

/**
 * Cyan, magenta, yellow and black as red, green and blue: light − round(ink · light / 255), where light is 255 − black.
 *
 * @see https://github.com/python-pillow/Pillow/blob/main/src/libImaging/Convert.c (`cmyk2rgb`)
 */
export function inksToColours(inks: Uint8Array): Uint8Array {
  const colours = new Uint8Array((inks.length / 4) * 3);
  for (let from = 0, to = 0; from < inks.length; from += 4) {
    const light = 255 - inks[from + 3];
    for (let c = 0; c < 3; c++) {
      colours[to++] = light - Math.floor((inks[from + c] * light + 127) / 255);
    }
  }
  return colours;
}
