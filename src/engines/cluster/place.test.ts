import { describe, expect, test } from "vitest";
import { parseCluster } from "./place.ts";

describe("a place in a cluster", () => {
  test.each([
    ["coordinator=10.0.0.1:1234,process=1,processes=2", "10.0.0.1", 1234, 1, 2],
    [" processes=4, process=0, coordinator=node-7.local", "node-7.local", 29500, 0, 4],
    ["coordinator=[fe80::1]:99,process=0,processes=1", "fe80::1", 99, 0, 1],
  ])("%s", (text, host, port, index, processes) => {
    expect(parseCluster(text)).toEqual({ host, port, index, processes });
  });

  test.each([
    [{ MASTER_ADDR: "a", MASTER_PORT: "5", RANK: "1", WORLD_SIZE: "3" }, 5, 1, 3],
    [{ MASTER_ADDR: "a", SLURM_PROCID: "2", SLURM_NTASKS: "4" }, 29500, 2, 4],
    [{ MASTER_ADDR: "a", OMPI_COMM_WORLD_RANK: "0", OMPI_COMM_WORLD_SIZE: "2" }, 29500, 0, 2],
  ])("from %o", (variables, port, index, processes) => {
    expect(parseCluster("env", variables)).toEqual({ host: "a", port, index, processes });
  });

  test.each([
    ["coordinator=a:1,process=0", "processes is missing"],
    [
      "coordinator=a:1,proces=0,processes=2",
      'unknown key of --cluster "proces"; valid: process, processes, coordinator',
    ],
    ["coordinator=a:1,process=2,processes=2", "the process must be a number from 0 to 1"],
    ["coordinator=a:1,process=x,processes=2", "the process must be a number from 0 to 1"],
    ["coordinator=a:1,process=0,processes=0", "the number of processes must be 1 or more"],
    ["coordinator=a:99999,process=0,processes=2", "the port must be from 1 to 65535"],
    ["coordinator=a b,process=0,processes=2", 'the coordinator "a b" is no HOST:PORT'],
    ["host", '"host" has no value'],
  ])("%s is refused", (text, said) => {
    expect(() => parseCluster(text)).toThrow(said);
  });

  test("a launcher that said too little is refused", () => {
    expect(() => parseCluster("env", {})).toThrow("none of MASTER_ADDR is set");
    expect(() => parseCluster("env", { MASTER_ADDR: "a" })).toThrow(
      "none of RANK, SLURM_PROCID, OMPI_COMM_WORLD_RANK is set",
    );
  });
});
