/** @file The manifest of the published package, made of the checkout's. */

/** What is read and changed of a manifest. */
export interface Manifest {
  readonly exports: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/** The first Node that runs the package; the checkout itself brings a newer one. */
const NODE = ">=22.18";

/** Fields that are the checkout's alone. */
const OWN = ["private", "scripts", "devDependencies", "files", "allowScripts"];

/** The manifest to publish: entries point at compiled files and their types; `repository` where it is known. */
export function publishedManifest(
  manifest: Manifest,
  repository: string | undefined,
): Record<string, unknown> {
  const kept = Object.entries(manifest).filter(([name]) => !OWN.includes(name));
  const entries = Object.entries(manifest.exports).map(([entry, source]) => {
    const base = source.replace(/\.ts$/, "");
    return [entry, { types: `${base}.d.ts`, default: `${base}.js` }];
  });
  return {
    ...Object.fromEntries(kept),
    ...(repository === undefined ? {} : { repository: { type: "git", url: repository } }),
    engines: { node: NODE },
    exports: { ...Object.fromEntries(entries), "./package.json": "./package.json" },
  };
}

/** A git remote as manifests have it, without credentials; undefined for a folder of this machine. */
export function repositoryUrl(remote: string): string | undefined {
  const [, host, path] =
    /^(?:https?:\/\/|ssh:\/\/)(?:[^@/]*@)?([^/:]+)(?::\d+)?\/(.+?)(?:\.git)?\/?$/.exec(remote) ??
    /^[^@/\\]+@([^:/]+):(.+?)(?:\.git)?\/?$/.exec(remote) ??
    [];
  return host === undefined ? undefined : `git+https://${host}/${path}.git`;
}
