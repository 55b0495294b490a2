/** @file A configuration as the command line gives it: a recipe or a file, `--data`, and values by name. */

import { OcelliError } from "../errors.ts";
import type { Config } from "../config/config.ts";
import type { Call, Flag } from "./command.ts";
import { NAME_DATA, dataAt } from "./data.ts";
import { loadConfig } from "./load-config.ts";

/** What the command line says beside the configuration's name. */
interface Given {
  readonly overrides: Call["overrides"];
  /** A data set's name or path, in place of the configuration's data. */
  readonly data?: string;
  /** The command's own flags, for suggestions. */
  readonly flags: Readonly<Record<string, Flag>>;
}

/**
 * A recipe's or a file's configuration with values of the command line.
 *
 * @throws a configuration error of one line, with the nearest valid names
 */
export async function readConfig(name: string, { overrides, data, flags }: Given): Promise<Config> {
  // Loaded here so that help and mistakes in flags answer at once.
  const [{ configSchema }, { override }, { validate }] = await Promise.all([
    import("../config/config.ts"),
    import("../config/overrides.ts"),
    import("../config/validate.ts"),
  ]);
  const loaded = await loadConfig(name);
  const base =
    data === undefined
      ? loaded
      : { ...(loaded as object), data: await dataAt(data, "train", await labelsOf(loaded)) };
  const others = [...Object.keys(flags), "json", "help"];
  const overridden = overrides.reduce(
    (config, [path, text]) => override(configSchema(), config, path, text, others),
    base,
  );
  if ((overridden as { data?: unknown } | null)?.data === undefined) {
    const whole = { ...(overridden as object), data: { name: "mnist" } };
    validate(configSchema(), typeof overridden === "object" ? whole : overridden); // other mistakes first
    throw new OcelliError("argument", `${name} is a recipe for your own images: it needs --data.`, {
      hint: NAME_DATA,
    });
  }
  return validate(configSchema(), overridden);
}

/** Whether a configuration's data must have labels, as far as it says its objective. */
async function labelsOf(loaded: unknown): Promise<"required" | "optional"> {
  const { labelsFor } = await import("../config/labels.ts");
  const { OBJECTIVES } = await import("../objectives/index.ts");
  const { objective } = (loaded ?? {}) as { readonly objective?: { readonly name?: unknown } };
  const known = OBJECTIVES.find(({ name }) => name === objective?.name);
  return known ? labelsFor(known) : "required";
}
