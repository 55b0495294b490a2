/** @file What a configuration file exports. */

import { configSchema } from "./config.ts";
import { type ConfigWith, type Definition, use as useDefinitions } from "./use.ts";
import { validate } from "./validate.ts";

/**
 * Checks a configuration: what a recipe exports.
 *
 * @param options with `use`, definitions of your own that the configuration chooses
 * @throws a configuration error of one line, with the nearest valid names
 * @example
 * export default defineConfig({ ...quickstart, name: "wider", model: { name: "vit", width: 96 } });
 */
export function defineConfig<const Use extends readonly Definition[] = []>(
  config: ConfigWith<NoInfer<Use>>,
  { use }: { readonly use?: Use } = {},
): ConfigWith<Use> {
  if (use) useDefinitions(use);
  validate(configSchema(), config);
  return config;
}
