/** @file Which files are images by their names, and which are images of kinds that are not read. */

/** File names taken for images. */
export const IMAGE_FILE = /\.(jpe?g|jpe|jfif|png|webp|gif|avif|tiff?)$/i;

/** What {@link IMAGE_FILE} stands for, in words. */
const READ_KINDS = "JPEG, PNG, WebP, GIF, AVIF and TIFF are read";

/** Images of kinds that are not read. */
const UNREAD_IMAGE =
  /\.(bmp|dib|p[bgnp]m|pam|hei[cf]s?|hif|jxl|jp2|j2k|jpf|jpx|jxr|svgz?|psd|ico|tga|exr|hdr|dds|eps|dng|cr[23]|nef|arw|orf|raf|rw2|dcm)$/i;

/** Whether a file is an image of a kind that is not read. */
export const isUnreadImage = (name: string): boolean => UNREAD_IMAGE.test(name);

/** A line on images that are not read, by their extensions: `3 .bmp and 1 .heic images are not read (…)`. */
export function describeUnread(names: readonly string[]): string {
  const kinds = Map.groupBy(names, (name) => UNREAD_IMAGE.exec(name)![0].toLowerCase());
  const shown = [...kinds].map(([kind, some]) => `${some.length} ${kind}`).join(" and ");
  const are = names.length === 1 ? "image is" : "images are";
  return `${shown} ${are} not read, such as ${names[0]}; ${READ_KINDS}`;
}
