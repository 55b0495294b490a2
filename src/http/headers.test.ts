/** @file Under which names a server answers. */

import { hostname } from "node:os";
import { expect, test } from "vitest";
import { createGuard } from "./guard.ts";
import { isServed } from "./headers.ts";

test("a server of this machine alone answers under this machine's names", () => {
  for (const name of ["localhost", "127.0.0.1", "[::1]"]) {
    expect(isServed(name, "127.0.0.1"), name).toBe(true);
  }
  for (const name of ["elsewhere.example", "192.168.1.5", hostname()]) {
    expect(isServed(name, "127.0.0.1"), name).toBe(false);
  }
});

test.each(["0.0.0.0", "192.168.1.5", "desk.lan"])(
  "one at %s answers under addresses, its own name and the machine's, which nobody else can give out",
  (host) => {
    for (const name of ["localhost", "192.168.1.5", "[fe80::1]", hostname().toLowerCase()]) {
      expect(isServed(name, host), name).toBe(true);
    }
    expect(isServed("Desk.lan", host)).toBe(host === "desk.lan");
    expect(isServed("elsewhere.example", host)).toBe(false);
    expect(isServed(`${hostname()}.elsewhere.example`, host)).toBe(false);
  },
);

test("the guard of a page refuses a name that was made to resolve to this machine", () => {
  const ask = (host: string, url: string) =>
    createGuard(host).refusal({ method: "GET", url, headers: new Headers() });
  expect(ask("0.0.0.0", "http://elsewhere.example:6464/api/runs")).toBe("unknown host");
  expect(ask("0.0.0.0", "http://192.168.1.5:6464/api/runs")).toBeUndefined();
});
