// What never should become a request, over real sockets: heads, framing, sizes and slowness.

import { describe, expect, test } from "vitest";
import { RawConnection } from "./testing/raw-connection.ts";
import { testServer } from "./testing/test-server.ts";

const path = "/v1/chat/completions";
const good = { messages: [{ role: "user", content: "Hi" }] };
const host = "host: localhost\r\n";

/** Whether a fresh connection is still served. */
async function serves(port: number): Promise<boolean> {
  await using client = await RawConnection.open(port);
  client.post(path, good);
  await client.until((text) => text.includes('"finish_reason"'));
  return client.statuses[0] === 200;
}

const get = (headers: string, target = "/live"): string =>
  `GET ${target} HTTP/1.1\r\n${host}${headers}\r\n`;
const post = (headers: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\n${host}content-type: application/json\r\n${headers}\r\n${body}`;

const cases: readonly (readonly [string, string, number])[] = [
  ["one header of 64 KiB", get(`x-a: ${"a".repeat(65_536)}\r\n`), 431],
  ["one header of 1 MiB", get(`x-a: ${"a".repeat(1_048_576)}\r\n`), 431],
  ["10,000 headers", get("a: b\r\n".repeat(10_000)), 431],
  ["101 headers", get("a: b\r\n".repeat(100)), 431],
  ["a target of 64 KiB", get("", `/${"a".repeat(65_536)}`), 431],
  [
    "length and chunks together",
    post("content-length: 2\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"),
    400,
  ],
  ["two lengths", post("content-length: 2\r\ncontent-length: 3\r\n", "{}"), 400],
  ["a negative length", post("content-length: -1\r\n", ""), 400],
  ["a length that is no number", post("content-length: 0x10\r\n", ""), 400],
  ["an unknown transfer encoding", post("transfer-encoding: chunked, gzip\r\n", "0\r\n\r\n"), 400],
  ["a bad chunk size", post("transfer-encoding: chunked\r\n", "zz\r\n"), 400],
  ["a folded header", get("x-a: b\r\n c\r\n"), 400],
  ["a space before the colon", get("x-a : b\r\n"), 400],
  ["a NUL in a header", get("x-a: \0\r\n"), 400],
  ["a bare line feed", `GET /live HTTP/1.1\n${host}\r\n`, 400],
  ["no host", "GET /live HTTP/1.1\r\n\r\n", 400],
  ["two hosts", `GET /live HTTP/1.1\r\n${host}${host}\r\n`, 400],
  ["no HTTP", "hello\r\n\r\n", 400],
  ["a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00", 400],
  ["HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["an unknown method", `BREW /live HTTP/1.1\r\n${host}\r\n`, 400],
  ["TRACE", `TRACE /live HTTP/1.1\r\n${host}\r\n`, 405],
  ["a foreign host", "GET /live HTTP/1.1\r\nhost: evil.com\r\n\r\n", 403],
  [
    "an absolute target of a foreign host",
    "GET http://evil.com/live HTTP/1.1\r\nhost: evil.com\r\n\r\n",
    403,
  ],
  ["dots in disguise", get("", "/v1/%2e%2e/live"), 404],
  ["dots", get("", "/v1/../live"), 404],
  ["a broken escape", get("", "/%zz"), 404],
  ["an impossible expectation", get("expect: miracles\r\n"), 417],
  ["9 MiB announced", post(`content-length: ${9 * 1024 * 1024}\r\n`, ""), 413],
];

describe("heads and framing", () => {
  test.each(cases)("%s", async (_name, bytes, status) => {
    await using server = testServer("ok");
    const { port } = await server.listenAnywhere();
    await using client = await RawConnection.open(port);
    client.send(Buffer.from(bytes, "latin1"));
    await client.until(() => client.statuses.length > 0);
    expect(client.statuses).toEqual([status]);
    expect(await serves(port)).toBe(true);
    expect(server.service.requests).toHaveLength(1);
  });

  test("errors before the application have the shape of all others", async () => {
    await using server = testServer("ok");
    const { port } = await server.listenAnywhere();
    await using client = await RawConnection.open(port);
    client.send("hello\r\n\r\n");
    await client.untilClosed();
    const [head = "", body = ""] = client.text.split("\r\n\r\n");
    expect(head).toContain("connection: close");
    expect(JSON.parse(body)).toEqual({
      error: {
        message: "The request is not valid HTTP.",
        type: "invalid_request_error",
        param: null,
        code: "invalid_request",
      },
    });
  });

  test("CONNECT and upgrades lead nowhere", async () => {
    await using server = testServer("ok");
    const { port } = await server.listenAnywhere();
    await using tunnel = await RawConnection.open(port);
    tunnel.send("CONNECT evil.com:80 HTTP/1.1\r\nhost: evil.com\r\n\r\n");
    await tunnel.untilClosed();
    expect(tunnel.text).not.toContain(" 200");
    await using upgrade = await RawConnection.open(port);
    upgrade.send(get("connection: upgrade\r\nupgrade: websocket\r\n"));
    await upgrade.until(() => upgrade.statuses.length > 0);
    expect(upgrade.statuses[0]).not.toBe(101);
  });
});

describe("bodies", () => {
  test("a body split at every byte is the same body", async () => {
    await using server = testServer("ok");
    const { port } = await server.listenAnywhere();
    await using client = await RawConnection.open(port);
    const body = JSON.stringify(good);
    client.send(post("transfer-encoding: chunked\r\n", ""));
    for (const byte of body.split("")) client.send(`1;x=y\r\n${byte}\r\n`);
    client.send("0\r\n\r\n");
    await client.until((text) => text.includes('"finish_reason"'));
    expect(client.statuses).toEqual([200]);
  });

  test("an endless body is refused at 8 MiB", async () => {
    await using server = testServer("ok");
    const { port } = await server.listenAnywhere();
    await using client = await RawConnection.open(port);
    client.send(post("transfer-encoding: chunked\r\n", ""));
    const chunk = `100000\r\n${"a".repeat(0x100000)}\r\n`;
    for (let sent = 0; sent < 12 && client.statuses.length === 0; sent++) {
      await new Promise((resolve) => client.socket.write(chunk, resolve));
    }
    await client.until(() => client.statuses.length > 0);
    expect(client.statuses).toEqual([413]);
    expect(await serves(port)).toBe(true);
    server.checkIntegrity();
  });

  test("fetch sees the refusal of a large body", async () => {
    await using server = testServer("ok");
    const { url } = await server.listenAnywhere();
    const reply = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ messages: [{ role: "user", content: "a".repeat(9_000_000) }] }),
    });
    expect(reply.status).toBe(413);
    expect(await reply.json()).toMatchObject({ error: { code: "payload_too_large" } });
  });

  test("bodies that arrive at once share one bound", async () => {
    const limits = { bodyBytesInFlightMax: 3 * 1024 * 1024 };
    await using server = testServer("ok", { limits });
    const { port } = await server.listenAnywhere();
    const clients: RawConnection[] = [];
    for (let index = 0; index < 3; index++) {
      const client = await RawConnection.open(port);
      clients.push(client);
      client.send(post(`content-length: ${2 * 1024 * 1024}\r\n`, "a".repeat(1_100_000)));
    }
    await Promise.race(clients.map((client) => client.until(() => client.statuses.length > 0)));
    expect(clients.flatMap((client) => client.statuses)).toContain(503);
    for (const client of clients) client.socket.destroy();
    for (const client of clients) await client.untilClosed();
    expect(await serves(port)).toBe(true);
    server.checkIntegrity();
  });

  test("a client that leaves while sending is forgotten", async () => {
    await using server = testServer("ok");
    const { port } = await server.listenAnywhere();
    for (let index = 0; index < 50; index++) {
      const client = await RawConnection.open(port);
      client.send(post("content-length: 100\r\n", '{"messages":'));
      client.socket.resetAndDestroy();
      await client.untilClosed();
    }
    expect(await serves(port)).toBe(true);
    server.checkIntegrity();
  });
});

describe("slowness", () => {
  const limits = { headersTimeoutMs: 150, requestTimeoutMs: 300 };

  test("a head that does not end is cut", async () => {
    await using server = testServer("ok", { limits });
    const { port } = await server.listenAnywhere();
    await using client = await RawConnection.open(port);
    client.send("GET /live HTTP/1.1\r\nhost: local");
    await client.untilClosed();
    expect(client.statuses).toEqual([408]);
    expect(await serves(port)).toBe(true);
  });

  test("a body that does not end is cut", async () => {
    await using server = testServer("ok", { limits });
    const { port } = await server.listenAnywhere();
    await using client = await RawConnection.open(port);
    client.send(post("content-length: 100\r\n", '{"messages":'));
    await client.untilClosed();
    expect(client.statuses).toEqual([408]);
    expect(await serves(port)).toBe(true);
  });

  test("more connections than the limit are closed", async () => {
    await using server = testServer("ok", { limits: { connectionsMax: 4 } });
    const { port } = await server.listenAnywhere();
    const clients = await Promise.all(Array.from({ length: 8 }, () => RawConnection.open(port)));
    for (const client of clients) client.send(get(""));
    await Promise.all(clients.map((client) => client.until(() => client.statuses.length > 0)));
    const served = clients.filter((client) => client.statuses[0] === 200);
    expect(served).toHaveLength(4);
    for (const client of clients) client.socket.destroy();
  });
});
