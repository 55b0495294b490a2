/**
 * @file The wheels that indexes have of a package, and the one to take.
 * @see https://packaging.python.org/en/latest/specifications/simple-repository-api/
 */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { PipSettings } from "./pip-settings.ts";
import { RequestError, requestText, show } from "./request.ts";
import { type Requirement, compareVersions } from "./versions.ts";
import {
  type Machine,
  type WheelName,
  normalName,
  parseWheelName,
  rankOf,
  suits,
} from "./wheel-tags.ts";

/** A wheel that can be fetched. */
export interface Wheel extends WheelName {
  readonly url: URL;
  /** In hexadecimal digits, as the index says; absent where it says nothing. */
  readonly sha256: string | undefined;
  /** Whether its author has withdrawn it: only a requirement of exactly its version takes it. */
  readonly isYanked: boolean;
}

const ACCEPT =
  "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/** All wheels of a package, those in folders first. */
export async function listWheels(name: string, settings: PipSettings): Promise<Wheel[]> {
  const wheels = settings.folders.flatMap((folder) => wheelsIn(folder));
  for (const index of settings.indexes) {
    const page = new URL(`${normalName(name)}/`, index);
    try {
      const { text, url, type } = await requestText(page, settings.access, ACCEPT);
      for (const wheel of parsePage(text, url, type)) wheels.push(wheel);
    } catch (error) {
      if (!(error instanceof RequestError) || error.status !== 404) throw error;
    }
  }
  return wheels.filter((wheel) => wheel.name === normalName(name));
}

function wheelsIn(folder: string): Wheel[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((file) => {
    const name = parseWheelName(file);
    const url = pathToFileURL(join(folder, file));
    return name ? [{ ...name, url, sha256: undefined, isYanked: false }] : [];
  });
}

/** A file as the JSON form of an index has it. */
interface IndexFile {
  readonly filename: string;
  readonly url: string;
  readonly hashes?: { readonly sha256?: string };
  readonly yanked?: boolean | string;
}

/** The wheels of a package's page in either form. */
export function parsePage(text: string, page: URL, type: string): Wheel[] {
  const files = type.includes("json") ? parseJson(text, page) : parseHtml(text);
  return files.flatMap(({ filename, url: place, hashes, yanked = false }) => {
    const name = parseWheelName(filename);
    if (!name || !URL.canParse(place, page)) return [];
    const url = new URL(place, page);
    const [, inAddress] = /^#sha256=([0-9a-f]{64})$/i.exec(url.hash) ?? [];
    url.hash = "";
    const sha256 = (hashes?.sha256 ?? inAddress)?.toLowerCase();
    return [{ ...name, url, sha256, isYanked: yanked !== false }];
  });
}

function parseJson(text: string, page: URL): readonly IndexFile[] {
  try {
    const { files } = JSON.parse(text) as { files: readonly IndexFile[] };
    return files.filter(
      (file) => typeof file.filename === "string" && typeof file.url === "string",
    );
  } catch (cause) {
    throw new RequestError(`${show(page)} sends no index of a package`, 400, cause);
  }
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"' };

const decode = (text: string): string =>
  text.replaceAll(/&(?:#(\d+)|([a-z]+));/g, (whole, code?: string, name?: string) =>
    code ? String.fromCodePoint(Number(code)) : (ENTITIES[name!] ?? whole),
  );

function parseHtml(text: string): IndexFile[] {
  return [...text.matchAll(/<a\s([^>]*)>/gi)].flatMap(([, attributes]) => {
    const [, quoted, single] = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(attributes) ?? [];
    const url = decode(quoted ?? single ?? "");
    const last =
      url
        .replace(/[?#].*$/s, "")
        .split("/")
        .at(-1) ?? "";
    const yanked = /\bdata-yanked\b/i.test(attributes);
    try {
      return [{ filename: decodeURIComponent(last), url, yanked }];
    } catch {
      return []; // an address that is none
    }
  });
}

/** The newest wheel that a requirement takes and that suits a machine; early versions only where there is no other. */
export function chooseWheel(
  wheels: readonly Wheel[],
  requirement: Requirement,
  machine: Machine,
): Wheel | undefined {
  const fitting = wheels.filter(
    ({ version, platforms, isYanked }) =>
      requirement.takes(version) &&
      (!isYanked || requirement.isPinned) &&
      platforms.some((tag) => suits(tag, machine)),
  );
  const settled = fitting.filter(({ version }) => !version.isEarly);
  return (settled.length > 0 ? settled : fitting).sort(
    (a, b) => compareVersions(b.version, a.version) || rankOf(a) - rankOf(b),
  )[0];
}
