/** @file Processes meet, share values, and learn in one line when they cannot or when one of them is gone. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type JoinedCluster, joinCluster } from "./join.ts";

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const placeOf = (port: number, index: number, processes = 2) => ({
  host: "127.0.0.1",
  port,
  index,
  processes,
});

async function pair(): Promise<[JoinedCluster, JoinedCluster]> {
  const port = await freePort();
  return Promise.all([joinCluster(placeOf(port, 0)), joinCluster(placeOf(port, 1))]);
}

/** Another process that joins as number `index`, says so, and stays until it is killed. */
async function spawnMember(port: number, index: number): Promise<ChildProcess> {
  const file = fileURLToPath(new URL("./join.ts", import.meta.url));
  const script = `
    import { joinCluster } from ${JSON.stringify(file)};
    const cluster = await joinCluster(${JSON.stringify(placeOf(port, index))});
    cluster.store.write("from/${index}", new TextEncoder().encode(String(process.pid)));
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: "inherit",
  });
  await once(child, "spawn");
  return child;
}

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

test("values of one are seen by the other, and both leave when both have come to the end", async () => {
  const [zero, one] = await pair();
  expect(one.store.read("key")).toBeUndefined();
  const waited = one.wait("key");
  zero.store.write("key", Buffer.from("value"));
  expect(text(await waited)).toBe("value");
  expect(text(one.store.claim("first", Buffer.from("one")))).toBe("one");
  expect(text(zero.store.claim("first", Buffer.from("zero")))).toBe("one");
  one.store.write("key", Buffer.from("new"));
  expect(text(zero.store.read("key"))).toBe("new");
  let left = false;
  const leaving = zero.leave().then(() => (left = true));
  expect(text(one.store.read("first"))).toBe("one"); // the coordinator waits for the last
  expect(left).toBe(false);
  await Promise.all([leaving, one.leave()]);
});

test("an error of one ends the others with its message", async () => {
  const [zero, one] = await pair();
  await one.leave(new Error("the disk is full"));
  await expect(zero.lost).rejects.toThrow(
    "process 1 has ended: the disk is full; this one is process 0.",
  );
  expect(() => zero.store.read("key")).toThrow("process 1 has ended: the disk is full");
  await zero.leave();
});

test("whoever asks after the end is told, however often", async () => {
  const [zero, one] = await pair();
  await one.leave(new Error("no more images"));
  await expect(zero.lost).rejects.toThrow("no more images");
  await zero.leave(new Error("so do I"));
  for (let i = 0; i < 3; i++) {
    expect(() => zero.store.read("key")).toThrow("process 1 has ended: no more images");
    expect(() => one.store.read("key")).toThrow("this one is process 1");
  }
});

test.each([
  [1, "process 1 was lost; this one is process 0."],
  [0, "process 0, the coordinator, was lost; this one is process 1."],
])("process %i is killed: the other says so", async (index, said) => {
  const port = await freePort();
  const child = await spawnMember(port, index);
  const own = await joinCluster(placeOf(port, 1 - index));
  expect(text(await own.wait(`from/${index}`))).toBe(String(child.pid));
  child.kill("SIGKILL");
  await expect(own.lost).rejects.toThrow(said);
  await own.leave(new Error(said));
});

test("processes that do not fit together are refused", async () => {
  const port = await freePort();
  const soon = { joinSeconds: 3 };
  const alone = expect(joinCluster(placeOf(port, 0), soon)).rejects.toThrow(
    "not all of 2 processes came",
  );
  await expect(joinCluster(placeOf(port, 1, 3), soon)).rejects.toThrow(
    "process 0 waits for 2 processes, not 3",
  ); // so the first one has the port
  await expect(joinCluster(placeOf(port, 0), soon)).rejects.toThrow("cannot be opened");
  await alone;
  await expect(joinCluster(placeOf(port, 1), { joinSeconds: 0 })).rejects.toThrow(
    `process 1 cannot join its cluster at 127.0.0.1:${port}: nobody answers`,
  );
});
