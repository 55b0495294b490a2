import { expect, test } from "vitest";
import { publishedManifest, repositoryUrl } from "./published-manifest.ts";

test("the published manifest has compiled entries, a Node that runs them, and nothing of the checkout's", () => {
  const manifest = {
    name: "x",
    private: true,
    engines: { node: ">=20" },
    allowScripts: {},
    devDependencies: { a: "1" },
    exports: { ".": "./src/index.ts", "./tree": "./src/tree.ts" },
  };
  expect(publishedManifest(manifest, "git+https://host.test/o/r.git")).toEqual({
    name: "x",
    repository: { type: "git", url: "git+https://host.test/o/r.git" },
    engines: { node: ">=22.18" },
    exports: {
      ".": { types: "./src/index.d.ts", default: "./src/index.js" },
      "./tree": { types: "./src/tree.d.ts", default: "./src/tree.js" },
      "./package.json": "./package.json",
    },
  });
  expect(publishedManifest(manifest, undefined)).not.toHaveProperty("repository");
});

test("a remote becomes an address that anyone can open", () => {
  const url = "git+https://host.test/owner/name.git";
  expect(repositoryUrl("git@host.test:owner/name.git")).toBe(url);
  expect(repositoryUrl("https://user:secret@host.test/owner/name")).toBe(url);
  expect(repositoryUrl("ssh://git@host.test:22/owner/name.git")).toBe(url);
  for (const local of ["", "/srv/name.git", "../name", "C:\\name"]) {
    expect(repositoryUrl(local)).toBeUndefined();
  }
});
