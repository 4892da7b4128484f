import { expect, test } from "vitest";

import { parseServerAddress } from "./server-address.ts";

test("servers, users, tokens and encryption are read", () => {
  expect(parseServerAddress("nats://broker")).toEqual({
    servers: ["broker:4222"],
    user: null,
    password: null,
    token: null,
    isEncrypted: false,
  });
  expect(parseServerAddress("tls://router:s%40fe@one:4000,two:4001")).toEqual({
    servers: ["one:4000", "two:4001"],
    user: "router",
    password: "s@fe",
    token: null,
    isEncrypted: true,
  });
  expect(parseServerAddress("nats://t0ken@[::1]:4222")).toMatchObject({
    servers: ["[::1]:4222"],
    token: "t0ken",
  });
});

test.each([
  "",
  "http://host",
  "nats://",
  "nats://host/path",
  "nats://host?x=1",
  "nats://a,".repeat(20),
])("%j is refused", (text) => {
  expect(() => parseServerAddress(text)).toThrow(/address of NATS|servers/);
});

test("a refused address does not show its password", () => {
  expect(() => parseServerAddress("nats://me:secret@host/path")).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining("secret") }),
  );
});
