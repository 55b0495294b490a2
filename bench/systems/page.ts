/** @file The page of the table of self-supervised systems: docs/self-supervised-table.md. */

import { markdownTable } from "../../src/claim/table.ts";
import { BUDGET, NETWORK, RANDOM, SYSTEMS } from "./settings.ts";
import { type SystemRow, isWhole } from "./system.ts";

/** Before the reason that is asked where a system is not above random features. */
const ASKED = "no reason is given yet.";

const percent = (value: number | undefined): string =>
  value === undefined ? "–" : (100 * value).toFixed(1);

const cells = (row: SystemRow): string[] => [
  row.name,
  percent(row.knn20),
  percent(row.linear),
  percent(row.tenth),
  row.epochs === undefined ? "–" : row.epochs.toFixed(1),
  row.msPerImage === undefined || row.name === RANDOM ? "–" : row.msPerImage.toFixed(2),
  row.peakMb === undefined || row.name === RANDOM ? "–" : String(row.peakMb),
];

const COLUMNS = ["system", "kNN", "linear", "10 % labels", "epochs", "ms an image", "peak MB"];

/** The systems that are not above random features by kNN, or diverged. */
export function behindRandom(rows: readonly SystemRow[]): SystemRow[] {
  const random = rows.find(({ name }) => name === RANDOM)?.knn20;
  if (random === undefined) return [];
  return rows.filter(
    ({ name, knn20, diverged }) =>
      name !== RANDOM && (diverged !== undefined || (knn20 !== undefined && knn20 <= random)),
  );
}

/** What a system's curves say of why it is behind. */
function clues({ diverged, first = {}, last = {}, epochs = 0 }: SystemRow): string {
  if (diverged !== undefined) return `it diverged: ${diverged}`;
  const moved = Object.keys(last)
    .filter((key) => key in first)
    .map((key) => `${key} ${first[key].toPrecision(3)} → ${last[key].toPrecision(3)}`);
  return `${epochs.toFixed(1)} epochs; ${moved.join(", ")}`;
}

const reasonStart = (name: string): string => `- **${name}**: `;

/** The reasons that a page has, by the name of the system. */
export function reasonsOf(page: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of Object.keys(SYSTEMS)) {
    const text = page.split("\n").find((one) => one.startsWith(reasonStart(name)));
    const reason = text?.slice(reasonStart(name).length).split(" Its curves: ")[0];
    if (reason !== undefined && reason !== ASKED) found[name] = reason;
  }
  return found;
}

/**
 * The page of a table.
 *
 * @param before the page as it was, whose reasons are kept
 * @returns its text, and the systems whose reason is asked for
 */
export function tablePage(
  rows: readonly SystemRow[],
  { before = "", data = "" } = {},
): { text: string; asked: readonly string[] } {
  const reasons = reasonsOf(before);
  const behind = behindRandom(rows);
  const done = rows.filter(isWhole).length;
  const { width, depth, patchSize } = NETWORK as Record<string, unknown>;
  const text = [
    "# Self-supervised systems in a table",
    "",
    `Every system trains the same network, a ViT of ${String(depth)} blocks of ${String(width)} channels with patches of ` +
      `${(patchSize as number[]).join(" × ")}, on pictures of 32 pixels, for ${BUDGET.minutes} minutes of steps as this machine takes them ` +
      `(at most ${BUDGET.mostEpochs} epochs). ` +
      "All settings are in `bench/systems/settings.ts`, and were written down before the first full run; nothing is tuned.",
    "",
    "    npx ocelli bench systems",
    "",
    "The command may be stopped and given again at any time: what is done is read. Accuracies are in % of the test split. kNN (20 " +
      "neighbours) and the linear probe learn from 10,000 labelled pictures on frozen features; `10 % labels` is a classifier from a tenth " +
      "of the labels, fine-tuned, or trained on these and the other pictures at once. `labels alone` learns from that tenth and nothing " +
      "else. Memory is the peak of the process.",
    "",
    ...(done === 0
      ? ["It has not been run in full yet."]
      : [
          `${done} of ${rows.length} systems${data === "" ? "" : `, on ${data}`}.`,
          "",
          ...markdownTable(COLUMNS, rows.map(cells)),
        ]),
    ...(behind.length === 0
      ? []
      : [
          "",
          "## Not above random features",
          "",
          ...behind.map(
            (row) =>
              `${reasonStart(row.name)}${reasons[row.name] ?? ASKED} Its curves: ${clues(row)}.`,
          ),
        ]),
    "",
  ].join("\n");
  return { text, asked: behind.map(({ name }) => name).filter((name) => !(name in reasons)) };
}
