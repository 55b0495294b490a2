/** @file The devices of one process among several: it uploads its own parts, and cannot read what others hold. */

import { expect, test } from "vitest";
import { type HostArray, hostArray } from "../../graph/index.ts";
import { rowsAt } from "../mesh.ts";
import { Devices } from "./devices.ts";
import type { Client, DeviceInfo } from "./pjrt/client.ts";

/** A client of process `own` of two with two devices each, which remembers what it was given. */
function clientOf(own: number) {
  const uploaded: HostArray[] = [];
  const allDevices = [0, 1, 2, 3].map((id): DeviceInfo => {
    const process = id >> 1;
    return { id, process, kind: "fake", handle: BigInt(id), addressable: process === own };
  });
  const devices = allDevices.filter(({ addressable }) => addressable);
  const upload = (array: HostArray) => Promise.resolve(BigInt(uploaded.push(array)));
  return { uploaded, client: { allDevices, devices, upload } as unknown as Client };
}

const BATCH = 8;

test.each([
  [
    0,
    { data: 4 },
    { first: 0, count: 4 },
    [
      [0, 1],
      [2, 3],
    ],
  ],
  [
    1,
    { data: 4 },
    { first: 4, count: 4 },
    [
      [4, 5],
      [6, 7],
    ],
  ],
  [
    1,
    { data: 2, model: 2 },
    { first: 4, count: 4 },
    [
      [4, 5, 6, 7],
      [4, 5, 6, 7],
    ],
  ],
  [
    1,
    { model: 2, data: 2 },
    { first: 0, count: 8 },
    [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ],
  ],
])("process %i of a mesh %o has the rows %o", async (own, mesh, rows, parts) => {
  const { client, uploaded } = clientOf(own);
  const devices = new Devices(client, mesh);
  expect(devices.places).toEqual([0, 1].map((i) => 2 * own + i));
  expect(rowsAt(mesh, BATCH, "data", devices.places)).toEqual(rows);
  const { first, count } = rows;
  const values = Int32Array.from({ length: count }, (_, i) => first + i);
  const share = hostArray([count], "int32", values);
  const placement = devices.place({ shape: [BATCH], dtype: "int32" }, ["data"], "x");
  await devices.upload(share, placement, { first, of: BATCH });
  expect(uploaded.map(({ data }) => Array.from(data as Int32Array))).toEqual(parts);
});

test("a whole that lies over processes is not read, and every process needs a device", async () => {
  const { client } = clientOf(1);
  const devices = new Devices(client, { data: 4 });
  const spec = { shape: [BATCH], dtype: "int32" } as const;
  const split = devices.place(spec, ["data"], "x");
  await expect(devices.download([1n, 2n], spec, split)).rejects.toThrow(
    "an array that is split over hosts cannot be read. Gather it first",
  );
  expect(() => new Devices(client, { data: 2 })).toThrow(
    "the mesh data=2 takes the first 2 of 4 devices, none of this process's.",
  );
});
