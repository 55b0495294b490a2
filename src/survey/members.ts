/** @file Pictures of a data set by split and name: counted, and the first of them listed. */

/** A picture of a data set. */
export interface Member {
  readonly split: string;
  readonly id: string;
  /** Its class, where it has one. */
  readonly label?: string;
}

/** A picture by its id, with its split and its class. */
export const nameOf = ({ id, split, label }: Member): string =>
  `${id} (${[split, ...(label === undefined ? [] : [label])].join(", ")})`;

/** Whether pictures are of several splits, or of several classes. */
export const isMixed = (members: readonly Member[], key: "split" | "label"): boolean =>
  members.some((member) => member[key] !== members[0][key]);

/** Pictures of a kind: how many, and the first of them. */
export interface Members {
  readonly count: number;
  readonly listed: readonly Member[];
}

/** Groups of pictures that are the same. */
export interface Same<Group> {
  /** Groups, or pairs. */
  readonly count: number;
  /** Those that lie in more than one split. */
  readonly acrossSplits: number;
  /** Those whose pictures have more than one class. */
  readonly acrossClasses: number;
  /** The first: across classes, then across splits, then others. */
  readonly listed: readonly Group[];
}

/** Pictures and groups that are listed. */
export const LISTED = 500;
/** Pictures of a group that are listed. */
const OF_GROUP = 24;

/** Which picture a row is. */
export type Find = (row: number) => Member;

/** Counts rows, and lists the first. */
export function membersOf(rows: Iterable<number>, find: Find): Members {
  const listed: Member[] = [];
  let count = 0;
  for (const row of rows) if (count++ < LISTED) listed.push(find(row));
  return { count, listed };
}

/** Counts groups, and lists those first that matter most. */
export function sameOf<G, T>(
  groups: readonly G[],
  rowsOf: (group: G) => readonly number[],
  find: Find,
  show: (group: G, members: readonly Member[]) => T,
): Same<T> {
  const ranked: G[][] = [[], [], []];
  let [acrossSplits, acrossClasses] = [0, 0];
  for (const group of groups) {
    const members = rowsOf(group).map(find);
    const [splits, classes] = [isMixed(members, "split"), isMixed(members, "label")];
    if (splits) acrossSplits++;
    if (classes) acrossClasses++;
    ranked[classes ? 0 : splits ? 1 : 2].push(group);
  }
  const listed = ranked
    .flat()
    .slice(0, LISTED)
    .map((group) => show(group, rowsOf(group).slice(0, OF_GROUP).map(find)));
  return { count: groups.length, acrossSplits, acrossClasses, listed };
}
