/** @file The local page's server: this machine alone, one folder alone. */

import { listen } from "../http/listen.ts";
import { createApp } from "./app.ts";
import { loadPage } from "./page-files.ts";
import type { Trainings } from "./trainings/routes.ts";
import { RunWatcher } from "./watcher.ts";

/** Where a page is served. */
export interface DashboardOptions {
  /** The folder with runs. It may not exist yet. */
  readonly dir: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly host: string;
  /** What the page starts trainings with; without it, it starts none. */
  readonly trainings?: Trainings;
}

/** A page that is being served. */
export interface Dashboard {
  readonly url: string;
  /** How many of the trainings that the page started still run. */
  going(): number;
  /** Stops them after their step, waits for their end, and ends. */
  close(): Promise<void>;
}

/**
 * Serves the page of a folder with runs.
 *
 * @throws an argument error where the port is taken, with the next free one; where the address is not this machine's
 */
export async function serveDashboard({
  dir,
  port,
  ...options
}: DashboardOptions): Promise<Dashboard> {
  const app = createApp(new RunWatcher(dir), await loadPage(), options);
  const { server, url } = await listen(app.fetch, { host: options.host, port });
  return {
    url,
    going: app.going,
    async close() {
      await app.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
