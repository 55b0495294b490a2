import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { npmSettings, parseNpmrc } from "./npm-settings.ts";
import { parseIni, pipSettings } from "./pip-settings.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocelli-settings-"));
  await writeFile(join(dir, "package.json"), "{}");
});
afterAll(() => rm(dir, { recursive: true }));

test("pip's files: sections, long values, comments", () => {
  const text =
    "[global]\nindex_url = https://a.test/simple # not a comment\nextra-index-url =\n  https://b.test\n  ; a comment\n  https://c.test\n[install]\nno-deps: yes\n";
  const sections = parseIni(text);
  expect(sections.get("global")?.get("extra-index-url")).toBe("https://b.test https://c.test");
  expect(sections.get("install")?.get("no-deps")).toBe("yes");
});

test("pip's variables come before its files, its command's section before the global one", async () => {
  const file = join(dir, "pip.conf");
  await writeFile(
    file,
    "[download]\ncert = /certs/own.pem\n[global]\ncert = /certs/all.pem\nindex-url = https://me:p%40ss@a.test/simple\ntrusted-host = b.test\n",
  );
  const fromFile = pipSettings({ PIP_CONFIG_FILE: file });
  expect(fromFile.indexes.map(String)).toEqual(["https://me:p%40ss@a.test/simple/"]);
  expect(fromFile.access.certificates).toBe("/certs/own.pem");
  expect(fromFile.access.trusts?.(new URL("https://b.test/x"))).toBe(true);
  expect(fromFile.access.trusts?.(new URL("https://a.test/x"))).toBe(false);
  const credentials = `Basic ${Buffer.from("me:p@ss").toString("base64")}`;
  expect(fromFile.access.authorization?.(new URL("https://a.test/files/x.whl"))).toBe(credentials);
  expect(fromFile.access.authorization?.(new URL("https://c.test/x.whl"))).toBeUndefined();
  const variables = {
    PIP_CONFIG_FILE: file,
    PIP_INDEX_URL: "https://d.test",
    PIP_EXTRA_INDEX_URL: "https://e.test/s",
  };
  expect(pipSettings(variables).indexes.map(String)).toEqual([
    "https://d.test/",
    "https://e.test/s/",
  ]);
  expect(pipSettings({ ...variables, PIP_NO_INDEX: "true" }).indexes).toEqual([]);
  expect(() => pipSettings({ ...variables, PIP_INDEX_URL: "nowhere" })).toThrow("is no address");
});

test("npm's lines: comments, quotes, variables", () => {
  const text =
    '; one\n# two\nregistry = "https://a.test"\n//a.test/:_authToken=${TOKEN}\nempty=${NONE?}\nkept=${NONE}\nflag\n';
  expect(Object.fromEntries(parseNpmrc(text, { TOKEN: "t" }))).toEqual({
    registry: "https://a.test",
    "//a.test/:_authToken": "t",
    empty: "",
    kept: "${NONE}",
    flag: "true",
  });
});

test("npm's variables come before the project's file, and that before the user's", async () => {
  const user = join(dir, "user");
  await writeFile(
    user,
    "registry=https://user.test/npm\ncafile=/certs/all.pem\nstrict-ssl=false\n//project.test/npm/:_authToken=secret\n",
  );
  const variables = { npm_config_userconfig: user, npm_config_globalconfig: join(dir, "none") };
  expect(npmSettings(variables, join(dir)).registry.href).toBe("https://user.test/npm/");
  await writeFile(join(dir, ".npmrc"), "registry=https://project.test/npm/\n");
  const { registry, isDefault, access } = npmSettings(variables, join(dir, "inside"));
  expect([registry.href, isDefault]).toEqual(["https://project.test/npm/", false]);
  expect(access.certificates).toBe("/certs/all.pem");
  expect(access.trusts?.(registry)).toBe(true);
  expect(access.authorization?.(new URL("https://project.test/npm/a/-/a.tgz"))).toBe(
    "Bearer secret",
  );
  expect(access.authorization?.(new URL("https://project.test/other"))).toBeUndefined();
  expect(access.authorization?.(new URL("https://other.test/npm/a"))).toBeUndefined();
  const named = {
    ...variables,
    NPM_CONFIG_REGISTRY: "https://me:pass@v.test",
    HTTPS_PROXY: "http://p.test",
    no_proxy: "v.test",
  };
  const fromVariables = npmSettings(named, dir);
  expect(fromVariables.registry.host).toBe("v.test");
  expect(fromVariables.access.authorization?.(new URL("https://v.test/a"))).toMatch(/^Basic /);
  expect(fromVariables.access.proxies).toMatchObject({
    HTTPS_PROXY: "http://p.test",
    NO_PROXY: "v.test",
  });
  await rm(join(dir, ".npmrc"));
  const none = npmSettings({ ...variables, npm_config_userconfig: join(dir, "none") }, dir);
  expect(none.isDefault).toBe(true);
});
