/** @file The coordinator of a cluster: process 0 keeps the keys and values, and tells all when one process is gone. */

import { type Server, type Socket, createServer } from "node:net";
import { type Answer, type Request, listen, send } from "./link.ts";

/** What came of a process that was there. */
interface Member {
  readonly socket: Socket;
  left: boolean;
}

/** Listens for the processes of a cluster; resolves once the port is open. */
export function startCoordinator(port: number, processes: number): Promise<Server> {
  const members = new Map<number, Member>();
  const values = new Map<string, string>();
  let over = false;

  const tellAll = (message: Answer): void => {
    for (const { socket } of members.values()) send(socket, message);
  };
  const end = (message: Answer): void => {
    if (over) return;
    over = true;
    tellAll(message);
    server.close();
  };
  const join = (socket: Socket, { index, processes: said }: Request & { say: "join" }): boolean => {
    const taken = members.has(index) && "another process has this number already";
    const other = said !== processes && `process 0 waits for ${processes} processes, not ${said}`;
    const why = other || taken;
    if (why) send(socket, { say: "refuse", why });
    else members.set(index, { socket, left: false });
    return !why;
  };

  const server = createServer((socket) => {
    let index = -1;
    const gone = (why: string): void => {
      const member = members.get(index);
      if (!member || member.left) return;
      member.left = true;
      end({ say: "lost", why: `process ${index} ${why}` });
    };
    listen<Request>(socket, (request) => {
      switch (request.say) {
        case "join":
          if (join(socket, request)) index = request.index;
          if (members.size === processes) tellAll({ say: "begin" });
          return;
        case "read":
          send(socket, { say: "value", id: request.id, value: values.get(request.key) ?? null });
          return;
        case "write": {
          const { id, key, value, first } = request;
          if (!first || !values.has(key)) values.set(key, value);
          send(socket, { say: "value", id, value: values.get(key)! });
          return;
        }
        case "leave":
          if (request.why !== undefined) return gone(`has ended: ${request.why}`);
          members.get(index)!.left = true;
          if ([...members.values()].every(({ left }) => left)) end({ say: "end" });
      }
    });
    socket.on("error", () => undefined); // "close" follows
    socket.on("close", () => gone("was lost"));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, () => resolve(server));
  });
}
