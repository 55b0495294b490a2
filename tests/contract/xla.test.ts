import { it } from "vitest";
import { createXlaEngine } from "../../src/engines/xla/index.ts";
import { installedPlugins } from "../../src/engines/xla/plugins.ts";
import { checkSupported } from "../../src/engines/xla/unsupported.ts";
import { contract } from "./suite.ts";

if (installedPlugins().includes("xla-cpu")) {
  contract({
    name: "xla-cpu",
    create: () => Promise.resolve(createXlaEngine({ plugin: "xla-cpu" })),
    checkSupported,
  });
} else {
  it.skip("xla-cpu is not installed: ocelli engines install xla-cpu");
}
