/** @file What is used of `node:fs` in a page that runs the contract suite: files that were fetched beforehand. */

const files = new Map<string, string>();

/** Fetches files of the page's server, so that they can be read. */
export async function fetchFiles(urls: readonly URL[]): Promise<void> {
  await Promise.all(urls.map(async (url) => files.set(url.href, await (await fetch(url)).text())));
}

export function readFileSync(url: URL): string {
  const text = files.get(url.href);
  if (text === undefined) throw new Error(`${url.href} was not fetched`);
  return text;
}
