import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { mendLock } from "./mend-lock.ts";

test("scripts that may not run and machines that may be old are taken from a lock file", () => {
  const packages = {
    "": { engines: { node: ">=20" } },
    "node_modules/a": { hasInstallScript: true, engines: { node: ">=18" } },
    "node_modules/b/node_modules/@s/c": {
      hasInstallScript: true,
      dev: true,
      engines: { node: ">=30" },
    },
  };
  const mended = mendLock(JSON.stringify({ packages }), { a: false, "@s/c": false });
  expect(JSON.parse(mended)).toEqual({
    packages: {
      "": { engines: { node: ">=20" } },
      "node_modules/a": { engines: { node: ">=18" } },
      "node_modules/b/node_modules/@s/c": { dev: true },
    },
  });
  expect(mendLock(mended, { b: true })).toBe(mended);
});

test("the lock file of this checkout is mended", () => {
  const { allowScripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
    allowScripts: Record<string, boolean>;
  };
  expect(allowScripts["onnxruntime-node"]).toBe(false);
  const lock = readFileSync("package-lock.json", "utf8");
  expect(mendLock(lock, allowScripts) === lock, "run npm run lock").toBe(true);
});
