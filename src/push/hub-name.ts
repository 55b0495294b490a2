/** @file Names of repositories of the hub. */

import { OcelliError } from "../errors.ts";

/** The longest name that the hub takes. */
const LONGEST = 96;

/**
 * Checks a repository's name by the hub's rules, before anything is sent.
 *
 * @throws an argument error that says what is wrong with it
 */
export function checkHubName(name: string): void {
  const wrong = problemOf(name);
  if (wrong === undefined) return;
  throw new OcelliError(
    "argument",
    `"${name.slice(0, LONGEST)}" is no name on the hub: ${wrong}.`,
    {
      given: name,
      hint: "Give OWNER/NAME, such as ada/digits: letters, digits, -, _ and . in each.",
    },
  );
}

function problemOf(name: string): string | undefined {
  const parts = name.split("/");
  if (parts.length !== 2) return "it must have one slash, between owner and name";
  if (parts.some((part) => !/^[\w.-]+$/.test(part)))
    return "a part is empty or has other characters";
  if (parts.some((part) => /^[-.]|[-.]$/.test(part))) return "no part may begin or end with - or .";
  if (/--|\.\./.test(name)) return "it may not have -- or ..";
  if (/\.(git|ipynb)$/.test(name)) return "it may not end with .git or .ipynb";
  return name.length > LONGEST ? `it has more than ${LONGEST} characters` : undefined;
}
