/** @file What stands in the way of a release. */

import { repositoryUrl } from "./published-manifest.ts";

/** The state of a checkout. */
export interface ReleaseState {
  readonly version: string;
  /** The text of CHANGELOG.md. */
  readonly changelog: string;
  /** What `git status --porcelain` says. */
  readonly changes: string;
  /** Where the checkout was cloned from. */
  readonly remote: string;
  /** The tags of its commit. */
  readonly tags: readonly string[];
}

/** Each reason not to publish, as a sentence; none where all is ready. */
export function findObstacles({
  version,
  changelog,
  changes,
  remote,
  tags,
}: ReleaseState): string[] {
  const heading = changelog.split("\n").find((line) => line.startsWith("## ")) ?? "";
  const found: string[] = [];
  if (changes !== "") found.push("files have changes that are not committed.");
  if (!tags.includes(`v${version}`)) found.push(`this commit has no tag v${version}.`);
  if (!heading.startsWith(`## ${version} `) && heading !== `## ${version}`) {
    found.push(`CHANGELOG.md begins with "${heading}", not with ${version}.`);
  } else if (/unreleased/i.test(heading)) found.push(`CHANGELOG.md calls ${version} unreleased.`);
  if (repositoryUrl(remote) === undefined) {
    found.push(
      "git has no remote origin that others can open, so that the package could name no repository.",
    );
  }
  return found;
}
