/**
 * @file Categories of characters as the PyPI package `tokenizers` 0.23 has them: its tables are of Unicode 8 (categories),
 * 12 (normal forms) and 16 (patterns), and characters that are younger are of none.
 */

/** Code points that have become marks or punctuation since, or have a normal form of their own since. */
const YOUNGER = {
  control: String.raw`\t\n\r\u0890-\u08e2\u{110cd}\u{13430}-\u{1343f}`,
  nonspacing: String.raw`\u07fd\u0897-\u08e1\u09fe\u0afa-\u0aff\u0b55\u0c04-\u0c3c\u0d00\u0d3b\u0d3c\u0d81\u0eba\u0ece\u180f-\u1886\u1abf-\u1aeb\u1df6-\u1dfb\ua82c\ua8c5\ua8ff\ua9bd\u{10d24}-\u{10f85}\u{11070}-\u{11074}\u{110c2}\u{111c9}\u{111cf}\u{1123e}-\u{11241}\u{1133b}\u{113bb}-\u{1145e}\u{1182f}-\u{11f5a}\u{13440}-\u{13455}\u{1611e}-\u{1612f}\u{16f4f}\u{16fe4}\u{1cf00}-\u{1cf46}\u{1e000}-\u{1e6f5}\u{1e944}-\u{1e94a}`,
  mark: String.raw`\u07fd\u0897-\u08d3\u09fe\u0afa-\u0aff\u0b55\u0c04-\u0c3c\u0cf3-\u0d00\u0d3b\u0d3c\u0d81\u0eba\u0ece\u1715\u180f\u1abf-\u1aeb\u1cf7\u1df6-\u1dfa\ua82c\ua8ff\u{10d24}-\u{10f85}\u{11070}-\u{11074}\u{110c2}\u{11145}\u{11146}\u{111c9}\u{111ce}\u{111cf}\u{11241}\u{1133b}\u{113b8}-\u{113e2}\u{1145e}\u{1182c}-\u{11b67}\u{11d31}-\u{11f5a}\u{13440}-\u{13455}\u{1611e}-\u{1612f}\u{16f4f}\u{16f7f}-\u{16f87}\u{16fe4}-\u{16ff1}\u{1cf00}-\u{1cf46}\u{1e08f}-\u{1e6f5}`,
  punctuation: String.raw`\u061d\u09fd-\u0a76\u0c77-\u0c84\u1b4e\u1b4f\u1b7d-\u1b7f\u2e43-\u2e5d\u{10d6e}-\u{10f89}\u{113d4}-\u{1145d}\u{11660}-\u{116b9}\u{1183b}-\u{11fff}\u{12ff1}\u{12ff2}\u{16d6d}-\u{16fe2}\u{1e5ff}-\u{1e95f}`,
  NFC: "",
  NFD: String.raw`\u{105c9}-\u{105e4}\u{11383}-\u{113c8}\u{11938}-\u{16d6a}`,
  NFKC: String.raw`\u32ff\ua7f1-\ua7f4\uab69\u{10781}-\u{1ccf9}\u{1e030}-\u{1e06d}\u{1f16c}\u{1fbf0}-\u{1fbf9}`,
  NFKD: String.raw`\u32ff\ua7f1-\ua7f4\uab69\u{105c9}-\u{107ba}\u{11383}-\u{113c8}\u{11938}-\u{1ccf9}\u{1e030}-\u{1e06d}\u{1f16c}\u{1fbf0}-\u{1fbf9}`,
} as const;

const except = (younger: string, members: string, others = ""): RegExp =>
  new RegExp(`(?![${younger}])[${members}]${others && `|[${others}]`}`, "gu");

/** What BERT's cleaning leaves out: control, format and private characters but tab and line breaks; NUL and U+FFFD. */
export const CONTROL = except(YOUNGER.control, String.raw`\p{Cc}\p{Cf}\p{Co}`, String.raw`\ufffd`);
/** Marks that take no room, which stripping accents leaves out in BERT's way. */
export const NONSPACING = except(
  YOUNGER.nonspacing,
  String.raw`\p{Mn}`,
  String.raw`\u1734\u{1171e}`,
);
/** All marks. */
export const MARK = except(YOUNGER.mark, String.raw`\p{M}`, String.raw`\u1cf2\u1cf3`);
/** Punctuation, and all of ASCII that is neither letter, digit nor space. */
export const PUNCTUATION = except(
  YOUNGER.punctuation,
  String.raw`\p{P}$+<=>^\x60|~`,
  String.raw`\u166d\u{111c9}`,
);
/** Spaces and line breaks. */
export const WHITE_SPACE = /\p{White_Space}/gu;
/** A Chinese character in BERT's sense. */
export const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
/** Members of `\w` in a pattern. */
export const WORD_MEMBERS = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}`;

/** A normal form. */
export type NormalForm = "NFC" | "NFD" | "NFKC" | "NFKD";

/** Text in a normal form; characters that had none in Unicode 12 stay as they are. */
export function normalForm(form: NormalForm): (text: string) => string {
  const younger = YOUNGER[form];
  if (younger === "") return (text) => text.normalize(form);
  const isYounger = new RegExp(`[${younger}]`, "u");
  const older = new RegExp(`[^${younger}]+`, "gu");
  return (text) =>
    isYounger.test(text)
      ? text.replace(older, (part) => part.normalize(form))
      : text.normalize(form);
}

/** Lower-cased character by character: a final sigma is as any other. */
export const lowerCase = (text: string): string => text.replaceAll("Σ", "σ").toLowerCase();
