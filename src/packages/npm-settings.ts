/** @file Where packages of npm come from: the registry that npm is configured to take, and how it is reached. */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { OcelliError } from "../errors.ts";
import type { Access } from "./request.ts";
import { type Variables, basic, expandHome, proxiesOf, settingsText } from "./settings.ts";

/** npm's own registry, which is taken where none is configured. */
const DEFAULT_REGISTRY = "https://registry.npmjs.org/";

/** A registry, and how it is reached. */
export interface NpmSettings {
  /** Its address, with a slash at the end. */
  readonly registry: URL;
  /** Whether it is npm's own. */
  readonly isDefault: boolean;
  readonly access: Access;
}

/**
 * npm's settings by its own precedence: variables `npm_config_…`, then the `.npmrc` of the project at `folder`, of the
 * user and of the machine.
 */
export function npmSettings(
  variables: Variables = process.env,
  folder: string = process.cwd(),
): NpmSettings {
  const fromVariables = variableSettings(variables);
  const files = [
    projectFile(folder),
    fromVariables.get("userconfig") ?? join(homedir(), ".npmrc"),
    fromVariables.get("globalconfig") ?? globalFile(variables),
  ];
  const layers = [fromVariables, ...files.map((file) => parseNpmrc(settingsText(file), variables))];
  const setting = (name: string): string | undefined => {
    const value = layers.find((layer) => layer.has(name))?.get(name);
    return value === undefined || value === "" || value === "null" ? undefined : value;
  };
  const text = setting("registry") ?? DEFAULT_REGISTRY;
  if (!URL.canParse(text)) {
    throw new OcelliError("config", `npm's setting registry is no address: "${text}".`);
  }
  const registry = new URL(text.endsWith("/") ? text : `${text}/`);
  const cafile = setting("cafile");
  const proxy = setting("proxy");
  return {
    registry,
    isDefault: registry.href === DEFAULT_REGISTRY,
    access: {
      proxies: proxiesOf(variables, {
        http: proxy,
        https: setting("https-proxy") ?? proxy,
        none: setting("noproxy"),
      }),
      ...(cafile === undefined ? {} : { certificates: expandHome(cafile) }),
      trusts: () => setting("strict-ssl") === "false",
      authorization: (url) => authorization(url, setting, registry),
    },
  };
}

/** npm turns `_` into `-` in names, except in those of credentials. */
function variableSettings(variables: Variables): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(variables)) {
    const [, key] = /^npm_config_(?!_)(.+)$/i.exec(name) ?? [];
    if (key !== undefined && value !== undefined) {
      found.set(key.startsWith("//") ? key : key.toLowerCase().replaceAll("_", "-"), value);
    }
  }
  return found;
}

/** Lines `name = value`; `${NAME}` stands for a variable. */
export function parseNpmrc(text: string, variables: Variables): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([;#]|$)/.test(line)) continue;
    const equals = line.indexOf("=");
    const name = line.slice(0, equals < 0 ? undefined : equals).trim();
    const value = equals < 0 ? "true" : unquote(line.slice(equals + 1).trim());
    const expanded = value.replaceAll(
      /\$\{([^}?]+)(\??)\}/g,
      (whole, variable: string, or: string) => {
        return variables[variable] ?? (or ? "" : whole);
      },
    );
    found.set(name, expanded);
  }
  return found;
}

const unquote = (value: string): string => /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;

/** The `.npmrc` of the project that a folder is in. */
function projectFile(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, "package.json")) || existsSync(join(at, "node_modules"))) {
      return join(at, ".npmrc");
    }
    if (at === dirname(at)) return join(folder, ".npmrc");
  }
}

/** The machine's settings lie beside the `npm` of the search path, or where it usually is. */
function globalFile(variables: Variables): string {
  const { PATH = "", Path = PATH, PREFIX } = variables;
  if (PREFIX) return join(PREFIX, "etc", "npmrc");
  const isWindows = process.platform === "win32";
  const name = isWindows ? "npm.cmd" : "npm";
  const folder = Path.split(delimiter).find((folder) => folder && existsSync(join(folder, name)));
  const places = [folder, dirname(process.execPath), "/usr/local/bin", "/usr/bin"];
  const files = places
    .filter((place) => place !== undefined)
    .map((place) => join(isWindows ? place : dirname(place), "etc", "npmrc"));
  return files.find((file) => existsSync(file)) ?? files[0];
}

/** Credentials stand under the address that they are for: `//host/path/:_authToken`. */
function authorization(
  url: URL,
  setting: (name: string) => string | undefined,
  registry: URL,
): string | undefined {
  for (let path = url.pathname; ; path = path.replace(/[^/]*\/?$/, "")) {
    for (const place of [`//${url.host}${path}`, `//${url.host}${path.replace(/\/$/, "")}`]) {
      const token = setting(`${place}:_authToken`);
      if (token !== undefined) return `Bearer ${token}`;
      const pair = setting(`${place}:_auth`);
      if (pair !== undefined) return `Basic ${pair}`;
      const user = setting(`${place}:username`);
      const password = setting(`${place}:_password`);
      if (user !== undefined && password !== undefined) {
        return basic(user, Buffer.from(password, "base64").toString("utf8"));
      }
    }
    if (path === "/" || path === "") break;
  }
  if (url.host !== registry.host || registry.username === "") return undefined;
  return basic(decodeURIComponent(registry.username), decodeURIComponent(registry.password));
}
