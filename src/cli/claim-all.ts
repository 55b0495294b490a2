/** @file `ocelli claim --all`: runs every claim in turn and writes a page of the results. */

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OcelliError } from "../errors.ts";
import { writeAtomically } from "../files.ts";
import type { ClaimResult } from "../claim/result.ts";
import type { ClaimOptions } from "../claim/claim.ts";
import type { Claim } from "../claim/define.ts";
import type { PageEntry } from "../claim/page.ts";
import type { Output } from "./command.ts";
import { claimReadme, listClaims } from "./load-config.ts";

/** How {@link runClaims} runs them. */
interface AllClaims {
  readonly claims: readonly Claim[];
  readonly scale: "quick" | "full";
  /** The folder below which each claim has its own. */
  readonly workdir: string;
  readonly options: Pick<ClaimOptions, "data" | "engine" | "signal">;
  /** Called with every claim that came to its end. */
  readonly done: (name: string, result: ClaimResult) => Promise<void>;
}

/** What became of all claims. */
export interface ClaimsResult {
  readonly claims: readonly { readonly name: string; readonly holds: boolean | undefined }[];
  /** Where the page lies. */
  readonly page: string;
  readonly interrupted: boolean;
}

/**
 * Runs every claim in turn. Finished trainings are read, so that the same command resumes; where a claim fails, the page
 * says so and the next one runs. The page is written after each.
 *
 * @throws a data error at the end that names the claims that failed
 */
export async function runClaims(
  { claims, scale, workdir, options, done }: AllClaims,
  output: Output,
): Promise<ClaimsResult> {
  const { runClaim } = await import("../claim/claim.ts");
  const entries: PageEntry[] = [];
  for (const claim of claims) {
    const table = scale === "full" ? await tableOf(claim.name) : undefined;
    entries.push({ claim, table, result: await resultIn(folderOf(claim.name), claim) });
  }
  const page = pagePath(scale, workdir, options.data !== undefined);
  let interrupted = false;
  for (const [i, entry] of entries.entries()) {
    const { name, headline } = entry.claim;
    output.line(`\nclaim   ${name}: ${headline}`);
    try {
      const result = await runClaim(entry.claim, {
        ...options,
        ...{ scale, workdir: folderOf(name), reporter: output },
      });
      if (result.interrupted) {
        interrupted = true;
        break;
      }
      entries[i] = { ...entry, result };
      await done(name, result);
    } catch (error) {
      if (!(error instanceof OcelliError)) throw error;
      output.line(`failed  ${name}: ${error.message}`);
      entries[i] = { ...entry, result: undefined, problem: error.message };
    }
    await writePage(page, entries, scale);
  }
  await writePage(page, entries, scale);
  output.line(`\npage    ${page}`);
  const failed = entries.filter(({ problem }) => problem !== undefined);
  if (failed.length > 0) {
    const names = failed.map(({ claim }) => claim.name).join(", ");
    throw new OcelliError("data", `${failed.length} of ${claims.length} claims failed: ${names}.`, {
      hint: `${page} says why; the same command runs them again.`,
    });
  }
  const found = entries.map(({ claim: { name }, result }) => ({ name, holds: result?.holds }));
  return { claims: found, page, interrupted };

  function folderOf(name: string): string {
    return join(workdir, `${name}-${scale}`);
  }
}

/** The page lies beside the rooms where these are here and the run is one of their own data, else beside the runs. */
function pagePath(scale: "quick" | "full", workdir: string, isOther: boolean): string {
  const [first] = listClaims();
  const readme = claimReadme(first.name);
  const room = readme === undefined ? undefined : dirname(readme);
  return scale === "full" && !isOther && room !== undefined
    ? join(dirname(room), "claims.html")
    : join(workdir, `claims-${scale}.html`);
}

async function writePage(path: string, entries: readonly PageEntry[], scale: "quick" | "full") {
  const { claimsPage } = await import("../claim/page.ts");
  await writeAtomically(path, claimsPage(entries, scale));
}

/** What a claim came to when it was last run in a folder. */
async function resultIn(folder: string, { arms }: Claim): Promise<ClaimResult | undefined> {
  const text = await readFile(join(folder, "claim.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  // JSON says null for what is no number
  const result = JSON.parse(text, (_, value: unknown) => value ?? NaN) as ClaimResult;
  const isOfNow = String(Object.keys(result.arms)) === String(Object.keys(arms));
  return isOfNow ? result : undefined;
}

async function tableOf(name: string): Promise<string | undefined> {
  const path = claimReadme(name);
  if (path === undefined) return undefined;
  const { tableIn } = await import("../claim/table.ts");
  return tableIn(await readFile(path, "utf8"), name);
}
