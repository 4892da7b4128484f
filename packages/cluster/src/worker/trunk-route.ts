// GET /worker/trunk, upgraded: a connection for many requests. The key is asked for before the upgrade,
// as for any route.

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { ClusterKey } from "../cluster-key.ts";
import { trunkPath, trunkProtocol } from "../wire/trunk-lines.ts";
import { AnswerTrunk } from "./answer-trunk.ts";
import type { WorkerContext } from "./worker-context.ts";

export function installTrunk(server: Server, context: WorkerContext, key: ClusterKey | null): void {
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal = refusalOf(request, context, key);
    if (refusal === null) openTrunk(socket, head, context);
    else refuse(socket, refusal);
  });
}

/** The status line of a refusal; null where there is nothing against it. */
function refusalOf(
  { headers, method, url }: IncomingMessage,
  { trunks }: WorkerContext,
  key: ClusterKey | null,
): string | null {
  if (key !== null && !key.matches(headers.authorization)) return "401 Unauthorized";
  if (method !== "GET" || url !== trunkPath) return "404 Not Found";
  if (headers.upgrade?.toLowerCase() !== trunkProtocol) return "400 Bad Request";
  return trunks.hasRoom ? null : "429 Too Many Requests";
}

function refuse(socket: Duplex, status: string): void {
  socket.on("error", () => undefined);
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  socket.once("finish", () => socket.destroy());
}

function openTrunk(socket: Duplex, head: Buffer, context: WorkerContext): void {
  const { trunks } = context;
  const words = ["101 Switching Protocols", "connection: upgrade", `upgrade: ${trunkProtocol}`];
  socket.write(`HTTP/1.1 ${words.join("\r\n")}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  const trunk = new AnswerTrunk(socket, context);
  trunks.add(trunk);
  socket.once("close", () => trunks.remove(trunk));
}
