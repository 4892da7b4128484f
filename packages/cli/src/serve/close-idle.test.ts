import { Agent, createServer, get } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";

import { expect, test } from "vitest";

import { closeIdleLater } from "./close-idle.ts";

test("a kept-alive connection whose answer ends after the closing began is closed", async () => {
  const asked = Promise.withResolvers<ServerResponse>();
  const server = createServer((_request, response) => asked.resolve(response));
  // Left alone, an idle connection would keep the server for as long as this test may run.
  server.keepAliveTimeout = 0;
  const closeIdle = closeIdleLater(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const agent = new Agent({ keepAlive: true });
  const answered = new Promise<IncomingMessage>((resolve) => {
    get({ port, host: "127.0.0.1", agent }, resolve);
  });
  const response = await asked.promise;
  response.write("first ");
  const answer = await answered;
  closeIdle();
  const closed = new Promise((resolve) => server.close(resolve));
  response.end("last");
  const chunks = await answer.toArray();
  expect(chunks.join("")).toBe("first last");
  await closed;
  agent.destroy();
});
