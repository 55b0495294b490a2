import { expect, test } from "vitest";
import { OcelliError } from "../../errors.ts";
import { withDevice } from "./no-device.ts";

/** As the plugin says it on a machine without a GPU. */
const none = (): never => {
  throw new OcelliError("engine", "XLA, Client_Create: No visible GPU devices.");
};

test.each([
  ["xla-cuda13", false, /there is no NVIDIA driver.*version 580 or newer/s],
  ["xla-cuda12", false, /there is no NVIDIA driver.*version 525 or newer/s],
  ["xla-cuda13", true, /is installed, but shows no GPU.*nvidia-smi/s],
] as const)("%s without a GPU says what is missing (driver: %s)", (plugin, driven, said) => {
  expect(() => withDevice(plugin, none, () => driven)).toThrow(said);
});

test("another plugin's error, or another error, stays as it is", () => {
  expect(() => withDevice("xla-cpu", none)).toThrow(/^XLA, Client_Create/);
  const other = () => {
    throw new Error("out of memory");
  };
  expect(() => withDevice("xla-cuda13", other)).toThrow(/^out of memory/);
  expect(withDevice("xla-cuda13", () => 7)).toBe(7);
});
