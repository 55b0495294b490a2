/** @file Where a process stands among those that compute together: what `--cluster` and launchers' variables say. */

import { OcelliError, unknownName } from "../../errors.ts";

/** A process's place, and where all of them meet. */
export interface ClusterPlace {
  /** The host of process 0, as the others reach it. */
  readonly host: string;
  readonly port: number;
  /** Of this process, from 0. */
  readonly index: number;
  readonly processes: number;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** The port that torchrun takes too. */
const PORT = 29500;
const KEYS = ["coordinator", "process", "processes"];
const EXAMPLE = "coordinator=HOST:PORT,process=0,processes=2";

/** Launchers' names for a number, the first that is set counts: torchrun's, Slurm's, Open MPI's. */
const INDEX_VARIABLES = ["RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK"];
const COUNT_VARIABLES = ["WORLD_SIZE", "SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE"];

/**
 * The place that a text such as `coordinator=10.0.0.1:29500,process=0,processes=2` means; `env` reads what launchers
 * set: MASTER_ADDR, MASTER_PORT, and RANK and WORLD_SIZE or Slurm's or Open MPI's names for them.
 *
 * @throws an argument error that says what is missing or wrong
 * @example
 * parseCluster("coordinator=10.0.0.1:29500,process=1,processes=2"); // { host: "10.0.0.1", port: 29500, index: 1, processes: 2 }
 */
export function parseCluster(text: string, variables: Variables = process.env): ClusterPlace {
  if (text === "env") return fromVariables(variables);
  const parts = text.split(",").map((part) => part.split("=").map((half) => half.trim()));
  for (const [key, value, ...more] of parts) {
    if (value === undefined || more.length > 0) throw wrong(text, `"${key}" has no value`);
    if (!KEYS.includes(key)) throw unknownName("key of --cluster", key, KEYS, "argument");
  }
  const values = new Map(parts.map(([key, value]) => [key, value]));
  const missing = KEYS.find((key) => !values.has(key));
  if (missing) throw wrong(text, `${missing} is missing`);
  const [coordinator, index, processes] = KEYS.map((key) => values.get(key)!);
  const address = /^(?<host>\[[\da-f:]+\]|[^:\s]+)(?::(?<port>\d+))?$/i.exec(coordinator)?.groups;
  if (!address) throw wrong(text, `the coordinator "${coordinator}" is no HOST:PORT`);
  const host = address.host.replace(/^\[(.*)\]$/, "$1");
  return check(text, { host, port: Number(address.port ?? PORT), ...counted(index, processes) });
}

function fromVariables(variables: Variables): ClusterPlace {
  const first = (names: readonly string[]): string => {
    const name = names.find((it) => variables[it]);
    if (name) return variables[name]!;
    throw wrong("env", `none of ${names.join(", ")} is set`);
  };
  const host = first(["MASTER_ADDR"]);
  const port = Number(variables.MASTER_PORT ?? PORT);
  return check("env", { host, port, ...counted(first(INDEX_VARIABLES), first(COUNT_VARIABLES)) });
}

const counted = (index: string, processes: string) => ({
  index: /^\d+$/.test(index) ? Number(index) : NaN,
  processes: /^\d+$/.test(processes) ? Number(processes) : NaN,
});

function check(text: string, place: ClusterPlace): ClusterPlace {
  const { port, index, processes } = place;
  if (!(processes >= 1)) throw wrong(text, "the number of processes must be 1 or more");
  if (!(index >= 0 && index < processes)) {
    throw wrong(text, `the process must be a number from 0 to ${processes - 1}`);
  }
  if (!(port >= 1 && port <= 65_535)) throw wrong(text, "the port must be from 1 to 65535");
  return place;
}

const wrong = (text: string, why: string): OcelliError =>
  new OcelliError("argument", `--cluster ${text}: ${why}.`, {
    given: text,
    hint: `Valid: ${EXAMPLE}, or env for the variables of torchrun, Slurm or Open MPI.`,
  });
