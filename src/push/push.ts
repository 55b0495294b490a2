/** @file `ocelli push`: a run on the hub, with a model card; what is there opens again as `hf:OWNER/NAME`. */

import { openAsBlob } from "node:fs";
import { join } from "node:path";
import { OcelliError } from "../errors.ts";
import { hubAddress, hubToken, hubTokenFile } from "../weights/hub-access.ts";
import { type HubFolderOptions, writeHubFolder } from "./folder.ts";
import { checkHubName } from "./hub-name.ts";

/** Options of {@link pushModel}. */
export interface PushOptions extends Omit<HubFolderOptions, "name" | "folder"> {
  /** Where the files are written before they are sent. Default: `hub` in the run. */
  readonly folder?: string;
  /** Whether the repository can be seen by its owner alone, where it does not exist yet. Default: false. */
  readonly private?: boolean;
  /** Writes the folder and sends nothing. Default: false. */
  readonly dryRun?: boolean;
  /** Another hub. Default: `HF_ENDPOINT`, else the hub itself. */
  readonly hubUrl?: string;
  /** Default: `HF_TOKEN`, else the token that the hub's own command line keeps. */
  readonly token?: string;
  /** Told which phase begins. */
  readonly onPhase?: (phase: string) => void;
}

/** What was written and sent. */
export interface PushResult {
  readonly folder: string;
  /** Bytes by file. */
  readonly files: Readonly<Record<string, number>>;
  /** The repository's page; absent after a dry run. */
  readonly url?: string;
}

/**
 * Pushes a run, or a checkpoint, to a repository of the hub, which is made where there is none.
 *
 * @throws an argument error for a name that the hub does not take, where there is no token, and where the hub refuses it; a
 * data error where the hub cannot be reached
 * @example
 * await pushModel("runs/pets", "ada/pets", { license: "apache-2.0" });
 */
export async function pushModel(
  run: string,
  name: string,
  { folder = join(run, "hub"), hubUrl = hubAddress(), dryRun = false, ...options }: PushOptions,
): Promise<PushResult> {
  checkHubName(name);
  checkLicense(options.license);
  const token = options.token ?? hubToken();
  if (!dryRun) checkToken(token);
  const files = await writeHubFolder(run, { ...options, name, folder });
  if (dryRun) return { folder, files };
  await upload(name, folder, Object.keys(files), {
    ...{ hubUrl, accessToken: token! },
    visibility: options.private ? "private" : "public",
    onPhase: options.onPhase ?? (() => undefined),
  });
  return { folder, files, url: `${hubUrl}/${name}` };
}

/** An error for what is no identifier of a license; the hub knows which there are. */
function checkLicense(license: string): void {
  if (/^[a-z0-9][a-z0-9.+-]*$/.test(license)) return;
  throw new OcelliError("argument", `"${license.slice(0, 60)}" is no identifier of a license.`, {
    given: license,
    hint: "Such are apache-2.0, mit, bsd-3-clause, cc-by-4.0, cc-by-nc-4.0 and other.",
  });
}

function checkToken(token: string | undefined): void {
  if (token === undefined) {
    throw new OcelliError("argument", "there is no token for the hub.", {
      hint: `Make one that may write at ${hubAddress()}/settings/tokens, and set HF_TOKEN, or put it into ${hubTokenFile()}.`,
    });
  }
  if (token.startsWith("hf_")) return;
  throw new OcelliError("argument", "the hub's token does not begin with hf_.", {
    hint: "Set HF_TOKEN to one of the hub's access tokens.",
  });
}

interface Upload {
  readonly hubUrl: string;
  readonly accessToken: string;
  readonly visibility: "public" | "private";
  readonly onPhase: (phase: string) => void;
}

/** What the phases of a commit are called. */
const PHASES: Readonly<Record<string, string>> = {
  preuploading: "asking what is to be sent",
  uploadingLargeFiles: "sending large files",
  committing: "committing",
};

async function upload(
  name: string,
  folder: string,
  files: readonly string[],
  { hubUrl, accessToken, visibility, onPhase }: Upload,
): Promise<void> {
  const { commitIter, createRepo } = await import("@huggingface/hub");
  const at = { repo: name, hubUrl, accessToken };
  await createRepo({ ...at, visibility }).catch((cause: unknown) => {
    if (statusOf(cause) !== 409) throw refusal(name, hubUrl, cause); // it is there already
  });
  try {
    const operations = await Promise.all(
      files.map(async (path) => ({
        operation: "addOrUpdate" as const,
        path,
        content: await openAsBlob(join(folder, path)),
      })),
    );
    const title = "Push by ocelli";
    for await (const event of commitIter({ ...at, title, operations })) {
      if (event.event === "phase") onPhase(PHASES[event.phase] ?? event.phase);
    }
  } catch (cause) {
    throw refusal(name, hubUrl, cause);
  }
}

const statusOf = (cause: unknown): number | undefined =>
  (cause as { readonly statusCode?: number } | undefined)?.statusCode;

/** Why the hub did not take it, and what to do. */
function refusal(name: string, hubUrl: string, cause: unknown): OcelliError {
  const said =
    cause instanceof Error ? cause.message.replaceAll(/\s+/g, " ").replace(/\.$/, "") : "";
  switch (statusOf(cause)) {
    case undefined:
      return new OcelliError("data", `${hubUrl} cannot be reached: ${said}.`, { cause });
    case 401:
      return new OcelliError("argument", `${hubUrl} does not know the token: ${said}.`, {
        ...{ cause, hint: `It may have ended; make another at ${hubUrl}/settings/tokens.` },
      });
    case 403:
      return new OcelliError("argument", `the token may not write to ${name}: ${said}.`, {
        cause,
        hint: `Give a name of your own, or a token with the right to write, from ${hubUrl}/settings/tokens.`,
      });
    default:
      return new OcelliError("data", `${name} was not pushed: ${said}.`, { cause });
  }
}
