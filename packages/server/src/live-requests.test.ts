import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { LiveRequests } from "./live-requests.ts";

/** A response whose client has left before anybody looked at it. */
async function leftResponse(): Promise<ServerResponse> {
  const { promise, resolve } = Promise.withResolvers<ServerResponse>();
  const server = createServer((_request, response) => {
    response.once("close", () => resolve(response));
    socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  const response = await promise;
  server.close();
  return response;
}

test("a request whose client has left already is aborted and not held for ever", async () => {
  const live = new LiveRequests();
  const signal = live.signalFor(await leftResponse());
  expect(signal.aborted).toBe(true);
  expect(signal.reason).toMatchObject({ code: "cancelled" });
  expect(live.count).toBe(0);
  live.checkIntegrity();
});

test("work beside its request is live until it is done", () => {
  const live = new LiveRequests();
  const { signal, done } = live.detached();
  expect(live.count).toBe(1);
  live.abortAll();
  expect(signal.reason).toMatchObject({ code: "unavailable" });
  done();
  expect(live.count).toBe(0);
});
