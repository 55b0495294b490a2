/** @file Where wheels come from: the indexes that pip is configured to take, and how they are reached. */

import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { OcelliError } from "../errors.ts";
import type { Access } from "./request.ts";
import { type Variables, basic, expandHome, proxiesOf, settingsText } from "./settings.ts";

/** The public index of Python packages, which is taken where none is configured. */
const DEFAULT_INDEX = "https://pypi.org/simple/";

/** Indexes, and how they are reached. */
export interface PipSettings {
  /** Addresses of simple indexes, each with a slash at the end. */
  readonly indexes: readonly URL[];
  /** Folders that are looked into beside them. */
  readonly folders: readonly string[];
  readonly access: Access;
}

/** pip's settings by its own precedence: variables `PIP_…`, then its files. */
export function pipSettings(
  variables: Variables = process.env,
  platform: string = process.platform,
): PipSettings {
  const settings = new Map<string, string>();
  for (const file of settingsFiles(variables, platform)) {
    const sections = parseIni(settingsText(expandHome(file)));
    for (const section of ["global", "download"]) {
      for (const [name, value] of sections.get(section) ?? []) settings.set(name, value);
    }
  }
  for (const [name, value] of Object.entries(variables)) {
    const [, key] = /^PIP_([A-Z_]+)$/.exec(name) ?? [];
    if (key !== undefined && value) settings.set(key.toLowerCase().replaceAll("_", "-"), value);
  }
  const list = (name: string) =>
    (settings.get(name) ?? "").split(/\s+/).filter((one) => one !== "");
  const isSet = (name: string) => /^(1|true|yes|on|t|y)$/i.test(settings.get(name) ?? "");
  const named = [settings.get("index-url") ?? DEFAULT_INDEX, ...list("extra-index-url")];
  const indexes = isSet("no-index") ? [] : named.map(toIndex);
  const trusted = new Set(list("trusted-host").map((host) => host.toLowerCase()));
  const certificates = settings.get("cert");
  const proxy = settings.get("proxy");
  return {
    indexes,
    folders: list("find-links")
      .filter((place) => !/^https?:/.test(place))
      .map(toFolder),
    access: {
      proxies: proxiesOf(variables, proxy ? { http: proxy, https: proxy } : {}),
      ...(certificates === undefined ? {} : { certificates: expandHome(certificates) }),
      trusts: ({ host, hostname }) => trusted.has(host) || trusted.has(hostname),
      authorization: (url) => authorization(url, indexes),
    },
  };
}

function toIndex(text: string): URL {
  if (!URL.canParse(text)) {
    throw new OcelliError("config", `pip's setting index-url is no address: "${text}".`);
  }
  return new URL(text.endsWith("/") ? text : `${text}/`);
}

const toFolder = (place: string): string =>
  place.startsWith("file:") ? fileURLToPath(place) : expandHome(place);

/** The first in force last. */
function settingsFiles(variables: Variables, platform: string): string[] {
  const { APPDATA, PIP_CONFIG_FILE, PROGRAMDATA, VIRTUAL_ENV, XDG_CONFIG_HOME } = variables;
  if (PIP_CONFIG_FILE === "/dev/null" || PIP_CONFIG_FILE?.toLowerCase() === "nul") return [];
  const home = homedir();
  const windows = platform === "win32";
  const name = windows ? "pip.ini" : "pip.conf";
  const places: Readonly<Record<string, readonly (string | undefined)[]>> = {
    win32: [
      PROGRAMDATA && join(PROGRAMDATA, "pip"),
      join(home, "pip"),
      APPDATA && join(APPDATA, "pip"),
    ],
    darwin: [
      "/Library/Application Support/pip",
      join(home, ".pip"),
      join(home, ".config", "pip"),
      join(home, "Library", "Application Support", "pip"),
    ],
    linux: [
      "/etc/xdg/pip",
      "/etc",
      join(home, ".pip"),
      join(XDG_CONFIG_HOME ?? join(home, ".config"), "pip"),
    ],
  };
  const folders = [...(places[platform] ?? places.linux), VIRTUAL_ENV];
  const files = folders
    .filter((folder) => folder !== undefined)
    .map((folder) => join(folder, name));
  return PIP_CONFIG_FILE ? [...files, PIP_CONFIG_FILE] : files;
}

/** Sections of `name = value`; indented lines continue a value. */
export function parseIni(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  let last: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([;#]|$)/.test(line)) continue;
    const [, header] = /^\[(.+)\]\s*$/.exec(line) ?? [];
    if (header !== undefined) {
      section = sections.get(header) ?? new Map<string, string>();
      sections.set(header, section);
      last = undefined;
    } else if (/^\s/.test(line) && last !== undefined) {
      section.set(last, `${section.get(last)} ${line.trim()}`.trim());
    } else {
      const [, name, value] = /^([^=:]+?)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
      if (name === undefined) continue;
      last = name.trim().toLowerCase().replaceAll("_", "-");
      section.set(last, value);
    }
  }
  return sections;
}

/** Credentials in an index's address are for everything on its host. */
function authorization(url: URL, indexes: readonly URL[]): string | undefined {
  const owner = [url, ...indexes].find(
    ({ host, username }) => host === url.host && username !== "",
  );
  return owner && basic(decodeURIComponent(owner.username), decodeURIComponent(owner.password));
}
