// Streams over real sockets: who leaves, who does not read, who is silent.

import { setImmediate } from "node:timers/promises";
import { ManualClock } from "@loci/core/testing";
import { describe, expect, test } from "vitest";
import { byteModel, byteTokens } from "./testing/byte-codec.ts";
import { RawConnection } from "./testing/raw-connection.ts";
import { Gate } from "./testing/scripted-service.ts";
import { testServer, type TestServer } from "./testing/test-server.ts";
import { at } from "./testing/json-path.ts";

const path = "/v1/chat/completions";
const messages = [{ role: "user", content: "Hi" }];
const endless = Array.from({ length: 4000 }, () => 97);

async function connected(server: TestServer): Promise<RawConnection> {
  const { port } = await server.listenAnywhere();
  return RawConnection.open(port);
}

describe("a client that leaves", () => {
  test("cancels while queued", async () => {
    const startGate = new Gate();
    await using server = testServer({ tokens: endless, startGate });
    for (const stream of [true, false]) {
      const client = stream ? await connected(server) : await RawConnection.open(portOf(server));
      client.post(path, { messages, stream });
      await server.service.until(() => server.service.live === 1);
      client.socket.destroy();
      await server.service.until(() => server.service.live === 0);
    }
    expect(server.service.cancelled).toHaveLength(2);
    expect(server.service.generatedTokens).toBe(0);
  });

  test("cancels before the first token and in the middle, streaming or not", async () => {
    const tokenGate = new Gate();
    await using server = testServer({ tokens: endless, tokenGate });
    const { port } = await server.listenAnywhere();
    for (const { stream, passes } of [
      { stream: true, passes: 0 },
      { stream: true, passes: 3 },
      { stream: false, passes: 0 },
      { stream: false, passes: 3 },
    ]) {
      const client = await RawConnection.open(port);
      const before = server.service.generatedTokens;
      client.post(path, { messages, stream });
      await server.service.until(() => server.service.live === 1);
      tokenGate.open(passes);
      await server.service.until(() => server.service.generatedTokens === before + passes);
      client.socket.destroy();
      await server.service.until(() => server.service.live === 0);
      expect(server.service.generatedTokens).toBe(before + passes);
    }
    expect(server.service.cancelled).toHaveLength(4);
    server.checkIntegrity();
  });

  test("cancels all of its n answers", async () => {
    await using server = testServer({ tokens: endless, tokenGate: new Gate() });
    const client = await connected(server);
    client.post(path, { messages, stream: true, n: 8 });
    await server.service.until(() => server.service.live === 8);
    client.socket.destroy();
    await server.service.until(() => server.service.live === 0);
    expect(server.service.cancelled).toHaveLength(8);
  });

  test("leaves a server that answers the next request at once", async () => {
    await using server = testServer({ tokens: endless, tokenGate: new Gate() });
    const client = await connected(server);
    client.post(path, { messages, stream: true });
    await server.service.until(() => server.service.live === 1);
    client.socket.destroy();
    server.service.script = () => ({ tokens: byteTokens("ok") });
    expect(at((await server.post(path, { messages })).body, "choices.0.message.content")).toBe(
      "ok",
    );
  });

  test("a half-closed connection counts as left", async () => {
    await using server = testServer({ tokens: endless, tokenGate: new Gate() });
    const client = await connected(server);
    client.post(path, { messages, stream: true });
    await server.service.until(() => server.service.live === 1);
    client.socket.end();
    await server.service.until(() => server.service.live === 0);
    expect(server.service.cancelled).toHaveLength(1);
  });
});

describe("a client that does not read", () => {
  /** Each chunk is large, so that kernel buffers fill soon. */
  const heavy = { messages, stream: true, logprobs: true, top_logprobs: 20 };

  async function stalled(server: TestServer): Promise<RawConnection> {
    const client = await connected(server);
    client.socket.pause();
    client.post(path, heavy);
    await server.service.until(() => server.service.live === 1);
    // The response stops taking more: generation stands still with it.
    for (let turnsFull = 0; turnsFull < 100;) {
      const [socket] = server.connections.open;
      turnsFull = socket?.writableNeedDrain === true ? turnsFull + 1 : 0;
      await setImmediate();
    }
    return client;
  }

  test("stops its own generation with at most 256 KiB unread, and is cut after 30 s", async () => {
    const clock = new ManualClock();
    const tokens = Array.from({ length: 3_900 }, () => 97);
    await using server = testServer({ tokens }, { clock });
    await using client = await stalled(server);
    expect(server.service.live).toBe(1);
    expect(server.service.generatedTokens).toBeLessThan(tokens.length);
    expect(unreadBytes(server)).toBeLessThanOrEqual(256 * 1024);
    clock.advance(29_999);
    expect(server.service.live).toBe(1);
    clock.advance(1);
    await server.service.until(() => server.service.live === 0);
    expect(server.service.cancelled).toHaveLength(1);
    client.socket.resume();
    await client.untilClosed();
    expect(client.text).not.toContain("[DONE]");
    expect(clock.timers).toBe(0);
  });

  test("may go on reading in time and gets all", async () => {
    const clock = new ManualClock();
    const tokens = Array.from({ length: 3_900 }, () => 97);
    await using server = testServer({ tokens }, { clock });
    await using client = await stalled(server);
    clock.advance(29_000);
    client.socket.resume();
    await client.until((text) => text.includes("[DONE]"));
    expect(client.text.split('"content":"a"').length - 1).toBe(tokens.length);
  });
});

describe("a client that does not read a whole answer", () => {
  const large = { prompt: "a".repeat(1_500_000), echo: true, n: 8 };
  const model = byteModel({ contextTokensMax: 2_000_000 });

  async function stalledWhole(server: TestServer): Promise<RawConnection> {
    const client = await connected(server);
    client.socket.pause();
    client.post("/v1/completions", large);
    await server.service.until(() => server.service.requests.length === 8);
    for (let turnsFull = 0; turnsFull < 100;) {
      const [socket] = server.connections.open;
      turnsFull = socket?.writableNeedDrain === true ? turnsFull + 1 : 0;
      await setImmediate();
    }
    return client;
  }

  test("is cut after 30 s without progress", async () => {
    const clock = new ManualClock();
    await using server = testServer("!", { clock, model });
    await using client = await stalledWhole(server);
    expect(unreadBytes(server)).toBeLessThanOrEqual(256 * 1024);
    clock.advance(60_000);
    client.socket.resume();
    await client.untilClosed();
    expect(client.text.length).toBeLessThan(12_000_000);
    expect(server.connections.open.size).toBe(0);
  });

  test("gets all of it when it goes on in time", async () => {
    const clock = new ManualClock();
    await using server = testServer("!", { clock, model });
    await using client = await stalledWhole(server);
    clock.advance(29_000);
    client.socket.resume();
    await client.until(() => client.bytes > 12_000_000 && client.endsWith("0\r\n\r\n"));
    expect(client.closed).toBe(false);
  });
});

describe("silence", () => {
  test("is broken by a comment every 15 s, until the end", async () => {
    const clock = new ManualClock();
    const tokenGate = new Gate();
    await using server = testServer({ tokens: byteTokens("ab"), tokenGate }, { clock });
    await using client = await connected(server);
    client.post(path, { messages, stream: true });
    await client.until((text) => text.includes('"role"'));
    expect(client.text).not.toContain(": ping");
    clock.advance(15_000);
    await client.until((text) => text.includes(": ping\n\n"));
    clock.advance(15_000);
    await client.until((text) => text.split(": ping\n\n").length === 3);
    tokenGate.open(2);
    await client.until((text) => text.includes("[DONE]"));
    clock.advance(60_000);
    expect(client.text.split(": ping").length).toBe(3);
    expect(clock.timers).toBe(0);
  });
});

describe("one connection", () => {
  test("serves request after request, streams among them", async () => {
    await using server = testServer("ab");
    await using client = await connected(server);
    for (const stream of [true, false, true]) {
      const before = client.text.length;
      client.post(path, { messages, stream });
      const end = stream ? "0\r\n\r\n" : '"timings":{';
      await client.until((text) => text.slice(before).includes(end));
    }
    expect(client.statuses).toEqual([200, 200, 200]);
  });

  test("pipelined requests are worked on one after the other", async () => {
    const tokenGate = new Gate();
    await using server = testServer({ tokens: byteTokens("a"), tokenGate });
    await using client = await connected(server);
    for (let index = 0; index < 5; index++) client.post(path, { messages });
    for (let index = 1; index <= 5; index++) {
      await server.service.until(() => server.service.requests.length === index);
      expect(server.service.live).toBe(1);
      tokenGate.open(1);
      await client.until(() => client.statuses.length === index);
    }
    expect(client.statuses).toEqual([200, 200, 200, 200, 200]);
  });

  test("more than 16 at once are refused, each in its turn", async () => {
    const tokenGate = new Gate();
    await using server = testServer({ tokens: byteTokens("a"), tokenGate });
    await using client = await connected(server);
    client.socket.cork();
    client.post(path, { messages });
    for (let index = 0; index < 19; index++)
      client.send("GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n");
    client.socket.uncork();
    await server.service.until(() => server.service.live === 1);
    tokenGate.open(1);
    await client.until(() => client.statuses.length === 20);
    expect(client.statuses).toEqual([
      ...Array.from({ length: 16 }, () => 200),
      ...Array.from({ length: 4 }, () => 429),
    ]);
  });
});

describe("stopping", () => {
  test("lets a running answer end within its grace", async () => {
    const tokenGate = new Gate();
    const server = testServer({ tokens: byteTokens("ab"), tokenGate });
    await using client = await connected(server);
    client.post(path, { messages, stream: true });
    await client.until((text) => text.includes('"role"'));
    const closed = server.close(60_000);
    tokenGate.open(2);
    await closed;
    await client.untilClosed();
    expect(client.text).toContain("[DONE]");
    expect(server.service.cancelled).toEqual([]);
  });

  test("cancels what outlasts the grace and says so in the stream", async () => {
    const clock = new ManualClock();
    const server = testServer({ tokens: endless, tokenGate: new Gate() }, { clock });
    await using client = await connected(server);
    client.post(path, { messages, stream: true });
    await client.until((text) => text.includes('"role"'));
    const closed = server.close(5000);
    clock.advance(5000);
    await closed;
    await client.untilClosed();
    expect(client.text).toContain('"code":"unavailable"');
    expect(client.text).not.toContain("[DONE]");
    expect(server.service.live).toBe(0);
  });
});

function portOf(server: TestServer): number {
  const address = server.app.server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Bytes that wait in this process for all connections. */
function unreadBytes(server: TestServer): number {
  let bytes = 0;
  for (const socket of server.connections.open) bytes += socket.writableLength;
  return bytes;
}
