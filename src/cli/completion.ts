/** @file `ocelli completion`: scripts by which shells complete commands, flags, recipes and claims. */

import { unknownName } from "../errors.ts";
import { COMMON_FLAGS, type Command } from "./command.ts";
import { listClaims, listRecipes } from "./load-config.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** What can be completed: the words after `ocelli`, and after each command. */
interface Words {
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly after: Readonly<Record<string, readonly string[]>>;
}

const WRITERS: Readonly<Record<(typeof SHELLS)[number], (words: Words) => string>> = {
  bash: ({ commands, after }) => `_ocelli() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words
  if [ "$COMP_CWORD" -eq 1 ]; then words="${commands.map(({ name }) => name).join(" ")}"
  else case "\${COMP_WORDS[1]}" in
${cases(after)}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _ocelli ocelli`,
  zsh: (words) => `autoload -U +X bashcompinit && bashcompinit
${WRITERS.bash(words)}`,
  fish: ({ commands, after }) =>
    [
      ...commands.map(
        ({ name, summary }) =>
          `complete -c ocelli -n __fish_use_subcommand -a ${name} -d '${summary.replaceAll("'", "")}'`,
      ),
      ...Object.entries(after).map(
        ([name, words]) =>
          `complete -c ocelli -n '__fish_seen_subcommand_from ${name}' -a '${words.join(" ")}'`,
      ),
    ].join("\n"),
};

const cases = (after: Words["after"]): string =>
  Object.entries(after)
    .map(([name, words]) => `    ${name}) words="${words.join(" ")}" ;;`)
    .join("\n");

/** The command that writes completions for all `commands`. */
export const completionOf = (commands: () => readonly Command[]): Command => ({
  name: "completion",
  summary: "Print a shell completion script",
  operands: SHELLS.join("|"),
  arity: [1, 1],
  flags: {},
  examples: ["source <(ocelli completion bash)", "ocelli completion fish | source"],
  run({ operands: [shell] }, output) {
    const known = SHELLS.find((name) => name === shell);
    if (!known) throw unknownName("shell", shell, SHELLS, "argument");
    const recipes = listRecipes().map(({ name }) => name);
    const operands = new Map([
      ["train", recipes],
      ["sweep", recipes],
      ["claim", listClaims().map(({ name }) => name)],
    ]);
    const after = commands().map(({ name, flags }) => {
      const own = operands.get(name) ?? [];
      const names = Object.keys({ ...flags, ...COMMON_FLAGS }).map((flag) => `--${flag}`);
      return [name, [...own, ...names]] as const;
    });
    const script = WRITERS[known]({ commands: commands(), after: Object.fromEntries(after) });
    output.line(script);
    return Promise.resolve({ shell: known, script });
  },
});
