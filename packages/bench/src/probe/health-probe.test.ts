import { createServer } from "node:http";
import { systemClock } from "@loci/core";
import { Agent } from "undici";
import { expect, test } from "vitest";
import { listenLocally } from "../load/server-process.ts";
import { probeUntil } from "./health-probe.ts";
import { fillerText } from "./long-chat.ts";

test("every probe is recorded, failures with their reason", async () => {
  let asked = 0;
  const stop = new AbortController();
  const server = createServer((_, outgoing) => {
    asked++;
    outgoing.writeHead(asked % 2 === 0 ? 503 : 200).end("{}");
    if (asked === 6) stop.abort();
  });
  const port = await listenLocally(server);
  const dispatcher = new Agent();
  const url = `http://127.0.0.1:${port}/health`;
  const records = await probeUntil({ url, perSecond: 200, dispatcher }, stop.signal, systemClock);
  await dispatcher.destroy();
  server.close();
  expect(records.length).toBe(asked);
  expect(records.filter((record) => record.error === "HTTP 503").length).toBeGreaterThanOrEqual(3);
  for (const [index, record] of records.entries()) {
    expect(record.endMs).toBeGreaterThanOrEqual(record.sendMs);
    const due = (records[0]?.scheduledMs ?? 0) + 5 * index;
    expect(record.scheduledMs).toBeCloseTo(due);
  }
});

test("filler text depends on its seed and has the words asked for", () => {
  expect(fillerText(50, 1).split(" ")).toHaveLength(50);
  expect(fillerText(50, 1)).toBe(fillerText(50, 1));
  expect(fillerText(50, 1)).not.toBe(fillerText(50, 2));
});
