import { expect, test } from "vitest";
import { serveIndex } from "./index-fixtures.ts";
import { type Access, isExcepted, requestText } from "./request.ts";

const NO_PROXY: Access = { proxies: {} };

test("credentials go to the address that they are for, and not where it redirects", async () => {
  const seen: (string | undefined)[] = [];
  await using other = await serveIndex((_path, { headers }) => {
    seen.push(headers.authorization);
    return "there";
  });
  await using index = await serveIndex((_path, { headers }, response) => {
    seen.push(headers.authorization);
    response.writeHead(302, { location: `${other.url}file` }).end();
    return undefined;
  });
  const { host } = new URL(index.url);
  const authorization = (url: URL) => (url.host === host ? "Bearer secret" : undefined);
  const { text, url } = await requestText(
    new URL(index.url),
    { proxies: {}, authorization },
    "*/*",
  );
  expect([text, url.href]).toEqual(["there", `${other.url}file`]);
  expect(seen).toEqual(["Bearer secret", undefined]);
});

test("a proxy is taken, except for hosts that are named", async () => {
  await using index = await serveIndex(() => "direct");
  await using proxy = await serveIndex(() => "by proxy");
  const proxies = { HTTP_PROXY: proxy.url };
  const url = new URL(index.url);
  expect((await requestText(url, { proxies }, "*/*")).text).toBe("by proxy");
  const except = { proxies: { ...proxies, NO_PROXY: "127.0.0.1" } };
  expect((await requestText(url, except, "*/*")).text).toBe("direct");
});

test("what passes is tried again, what does not is said at once", async () => {
  let answers = 0;
  await using index = await serveIndex((_path, _request, response) => {
    if (++answers > 2) return "at last";
    response.writeHead(503).end();
    return undefined;
  });
  expect((await requestText(new URL(index.url), NO_PROXY, "*/*")).text).toBe("at last");
  await using none = await serveIndex(() => undefined);
  await expect(requestText(new URL(`${none.url}a?token=x`), NO_PROXY, "*/*")).rejects.toThrow(
    `${none.url}a answers 404 Not Found`,
  );
  expect(none.paths).toHaveLength(1);
});

test("redirects end", async () => {
  await using index = await serveIndex((_path, _request, response) => {
    response.writeHead(302, { location: "/again" }).end();
    return undefined;
  });
  await expect(requestText(new URL(index.url), NO_PROXY, "*/*")).rejects.toThrow(
    "redirects without end",
  );
});

test("a list of hosts without a proxy names hosts, what lies below them, and ports", () => {
  const url = new URL("http://files.index.test:8080/a");
  for (const list of [
    "*",
    "index.test",
    ".index.test",
    "x, *.index.test",
    "files.index.test:8080",
  ]) {
    expect([list, isExcepted(url, list)]).toEqual([list, true]);
  }
  for (const list of ["", undefined, "ndex.test", "other.test", "files.index.test:81"]) {
    expect([list, isExcepted(url, list)]).toEqual([list, false]);
  }
});
