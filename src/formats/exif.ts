/** @file How a picture is to be turned, as its EXIF block says. */

import { viewOf } from "./bytes.ts";

/** How the stored picture is to be turned: 1 (as it is) to 8, by EXIF's tag 0x0112; 1 where nothing is said. */
export function orientationIn(exif: Uint8Array): number {
  if (exif.length < 8) return 1;
  const view = viewOf(exif);
  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return 1;
  const little = order === 0x4949;
  const begin = view.getUint32(4, little);
  if (begin + 2 > exif.length) return 1;
  const count = view.getUint16(begin, little);
  for (let i = 0; i < count; i++) {
    const at = begin + 2 + 12 * i;
    if (at + 12 > exif.length) return 1;
    if (view.getUint16(at, little) !== 0x0112) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
