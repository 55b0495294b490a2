import { expect, test } from "vitest";
import { parseRequirement } from "./versions.ts";
import { chooseWheel, parsePage } from "./wheel-index.ts";
import { type Machine, suits } from "./wheel-tags.ts";

const LINUX: Machine = { platform: "linux", arch: "x64", glibc: "2.31" };
const PAGE = new URL("https://index.test/simple/a/");
const HASH = "0123456789abcdef".repeat(4);

test("a platform's tag suits the machines that it is for", () => {
  const suited = (tag: string) => suits(tag, LINUX);
  expect(suited("any")).toBe(true);
  expect(suited("linux_x86_64")).toBe(true);
  expect(suited("manylinux1_x86_64")).toBe(true);
  expect(suited("manylinux2014_x86_64")).toBe(true);
  expect(suited("manylinux_2_31_x86_64")).toBe(true);
  expect(suited("manylinux_2_32_x86_64")).toBe(false);
  expect(suited("manylinux2014_aarch64")).toBe(false);
  expect(suited("musllinux_1_2_x86_64")).toBe(false);
  expect(suited("macosx_11_0_x86_64")).toBe(false);
  expect(suits("musllinux_1_2_x86_64", { platform: "linux", arch: "x64" })).toBe(true);
  expect(suits("manylinux2014_x86_64", { platform: "linux", arch: "x64" })).toBe(false);
  expect(suits("macosx_11_0_universal2", { platform: "darwin", arch: "arm64" })).toBe(true);
  expect(suits("macosx_11_0_x86_64", { platform: "darwin", arch: "arm64" })).toBe(false);
  expect(suits("win_amd64", { platform: "win32", arch: "x64" })).toBe(true);
  expect(suits("win32", { platform: "win32", arch: "ia32" })).toBe(true);
  expect(suits("win32", { platform: "win32", arch: "x64" })).toBe(false);
});

test("a page's two forms give the same wheels", () => {
  const html = `<a href="../../files/a-1.0-py3-none-any.whl#sha256=${HASH}" data-requires-python="&gt;=3">x</a>
    <a data-yanked='' href='https://files.test/a-1.1-py3-none-any.whl?x=1&amp;y=2'>y</a> <a href="a-1.0.tar.gz">z</a>`;
  const json = JSON.stringify({
    files: [
      { filename: "a-1.0-py3-none-any.whl", url: "../../files/a-1.0-py3-none-any.whl", hashes: { sha256: HASH }, yanked: false },
      { filename: "a-1.1-py3-none-any.whl", url: "https://files.test/a-1.1-py3-none-any.whl?x=1&y=2", hashes: {}, yanked: "bad" },
      { filename: "a-1.0.tar.gz", url: "a-1.0.tar.gz", hashes: {} },
    ],
  }); // prettier-ignore
  const wheels = parsePage(html, PAGE, "text/html");
  expect(wheels).toEqual(parsePage(json, PAGE, "application/vnd.pypi.simple.v1+json"));
  expect(wheels.map(({ url, sha256, isYanked }) => [url.href, sha256, isYanked])).toEqual([
    ["https://index.test/files/a-1.0-py3-none-any.whl", HASH, false],
    ["https://files.test/a-1.1-py3-none-any.whl?x=1&y=2", undefined, true],
  ]);
  expect(() => parsePage("{", PAGE, "application/json")).toThrow("sends no index of a package");
});

test("the newest version that suits is taken, bound to Python as little as can be", () => {
  const files = ["a-1.0-py3-none-any.whl", "a-2.0-cp39-cp39-manylinux2014_x86_64.whl", "a-2.0-cp312-cp312-manylinux2014_x86_64.whl", "a-2.0-cp39-abi3-manylinux_2_28_x86_64.manylinux2014_x86_64.whl", "a-3.0-py3-none-win_amd64.whl", "a-4.0.dev1-py3-none-any.whl"]; // prettier-ignore
  const chosen = (requirement: string, names: readonly string[]) => {
    const links = names.map((file) => `<a href="${file}#sha256=${HASH}">`).join("");
    const wheels = parsePage(links, PAGE, "text/html");
    return chooseWheel(wheels, parseRequirement(requirement), LINUX)?.file;
  };
  expect(chosen("a", files)).toBe(files[3]);
  expect(chosen("a", files.toSpliced(3, 1))).toBe(files[2]);
  expect(chosen("a<2", files)).toBe(files[0]);
  expect(chosen("a>3", files)).toBe(files[5]);
  expect(chosen("a==3", files)).toBeUndefined();
  const yanked = parsePage(`<a data-yanked href="${files[0]}">`, PAGE, "text/html");
  expect(chooseWheel(yanked, parseRequirement("a"), LINUX)).toBeUndefined();
  expect(chooseWheel(yanked, parseRequirement("a==1"), LINUX)?.file).toBe(files[0]);
});
