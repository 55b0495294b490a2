import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { runCli } from "../../tests/e2e/run-cli.ts";

/** What bash offers for the last of some words. */
function complete(script: string, words: readonly string[]): string[] {
  const ask = `COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _ocelli`;
  const printed = execFileSync("bash", ["-c", `${script}\n${ask}; echo "\${COMPREPLY[@]}"`]);
  return printed.toString().trim().split(" ");
}

test.skipIf(process.platform === "win32")(
  "bash completes commands, flags and recipes",
  async () => {
    const { stdout, code } = await runCli(["completion", "bash"]);
    expect(code).toBe(0);
    expect(complete(stdout, ["ocelli", "pre"])).toEqual(["pretrain", "predict"]);
    expect(complete(stdout, ["ocelli", "predict", "--top"])).toEqual(["--top-k"]);
    expect(complete(stdout, ["ocelli", "train", "quick"])).toEqual(["quickstart"]);
  },
);
