import { expect, test } from "vitest";
import { compareVersions, parseRequirement, parseVersion } from "./versions.ts";

test("versions stand in the order of the specification", () => {
  const inOrder = ["0.9", "1.dev0", "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2", "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0", "1.0.post456.dev34", "1.0.post456", "1.0.15", "1.1.dev1", "1.10", "1!0.1"]; // prettier-ignore
  const versions = inOrder.map((text) => parseVersion(text)!);
  for (let i = 1; i < versions.length; i++) {
    expect(Math.sign(compareVersions(versions[i - 1], versions[i]))).toBe(-1);
    expect(Math.sign(compareVersions(versions[i], versions[i - 1]))).toBe(1);
  }
});

test("spellings of one version are the same", () => {
  const same = (a: string, b: string) => compareVersions(parseVersion(a)!, parseVersion(b)!) === 0;
  expect(same("1.0", "1")).toBe(true);
  expect(same("V1.0-ALPHA.1", "1a1")).toBe(true);
  expect(same("1.0-1", "1.post1")).toBe(true);
  expect(same("1.0+cpu", "1.0")).toBe(true);
  expect(parseVersion("latest")).toBeUndefined();
});

test("a requirement takes the versions within its bounds", () => {
  const takes = (requirement: string, version: string) =>
    parseRequirement(requirement).takes(parseVersion(version)!);
  expect(takes("nvidia-cudnn-cu13>=9.12.0.46,<10", "9.12.0.46")).toBe(true);
  expect(takes("nvidia-cudnn-cu13>=9.12.0.46,<10", "9.12.0.45")).toBe(false);
  expect(takes("nvidia-cudnn-cu13>=9.12.0.46,<10", "10")).toBe(false);
  expect(takes("a!=1", "1.0")).toBe(false);
  expect(parseRequirement("a==1.2").isPinned).toBe(true);
  expect(parseRequirement("a").isPinned).toBe(false);
  for (const wrong of ["", "a==", "a=1", "a~=1", "a==x", "--index", "a b"]) {
    expect(() => parseRequirement(wrong)).toThrow("is no requirement that is understood here");
  }
});
