import { expect, test } from "vitest";
import { findObstacles } from "./release-obstacles.ts";

const READY = {
  version: "1.2.3",
  changelog: "# Changelog\n\n## 1.2.3 (2026-12-01)\n\n## 1.2.2\n",
  changes: "",
  remote: "https://host.test/owner/name.git",
  tags: ["v1.2.3"],
};

test("a tagged, clean checkout with its changes written down is ready", () => {
  expect(findObstacles(READY)).toEqual([]);
});

test("each obstacle is said", () => {
  const obstacles = (change: Partial<typeof READY>) => findObstacles({ ...READY, ...change });
  expect(obstacles({ changes: " M a.ts\n" })).toEqual([
    "files have changes that are not committed.",
  ]);
  expect(obstacles({ tags: [] })).toEqual(["this commit has no tag v1.2.3."]);
  expect(obstacles({ changelog: "## 1.2.30\n" })).toEqual([
    'CHANGELOG.md begins with "## 1.2.30", not with 1.2.3.',
  ]);
  expect(obstacles({ changelog: "## 1.2.3 (unreleased)\n" })).toEqual([
    "CHANGELOG.md calls 1.2.3 unreleased.",
  ]);
  expect(obstacles({ remote: "/srv/name.git" })[0]).toMatch(/^git has no remote origin/);
});
