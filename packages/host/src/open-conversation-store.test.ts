import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { systemClock } from "@loci/core";
import { ManualClock } from "@loci/core/testing";
import type { TenantRemoval } from "@loci/store";
import { expect, test } from "vitest";

import { defaultStorePath, openConversationStore } from "./open-conversation-store.ts";
import { lineLogger } from "./testing/line-logger.ts";

const settings = { store: null, responseTtlMs: 0 };

interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly lines: string[];
  readonly surroundings: Parameters<typeof openConversationStore>[1];
}

async function place(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "loci-store-"));
  const lines: string[] = [];
  return {
    folder,
    lines,
    surroundings: {
      logger: lineLogger(lines),
      clock: systemClock,
      environment: { XDG_DATA_HOME: folder },
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

test("the usual file is in the data folder; a relative one is ignored", () => {
  expect(defaultStorePath({ XDG_DATA_HOME: "/data" })).toBe("/data/loci/conversations.sqlite");
  expect(defaultStorePath({ XDG_DATA_HOME: "data" })).toMatch(
    /\/\.local\/share\/loci\/conversations\.sqlite$/,
  );
});

test("none is none", async () => {
  await using here = await place();
  expect(await openConversationStore({ ...settings, store: "none" }, here.surroundings)).toBeNull();
});

test("a second server does without the usual file, and says so", async () => {
  await using here = await place();
  const first = await openConversationStore(settings, here.surroundings);
  expect(first).not.toBeNull();
  expect(await openConversationStore(settings, here.surroundings)).toBeNull();
  expect(here.lines.join("")).toContain("no conversations are kept");
  await first?.close();
  const again = await openConversationStore(settings, here.surroundings);
  expect(again).not.toBeNull();
  await again?.close();
});

test("a store that was asked for must be had", async () => {
  await using here = await place();
  const store = `sqlite:${join(here.folder, "own.sqlite")}`;
  const first = await openConversationStore({ ...settings, store }, here.surroundings);
  await expect(
    openConversationStore({ ...settings, store }, here.surroundings),
  ).rejects.toMatchObject({ code: "storage_unavailable" });
  await first?.close();
  await expect(
    openConversationStore({ ...settings, store: "redis://x" }, here.surroundings),
  ).rejects.toMatchObject({ code: "config_invalid" });
});

test("memory keeps conversations until the end, and leaves no file", async () => {
  await using here = await place();
  const before = readdirSync(".");
  const opened = await openConversationStore({ ...settings, store: "memory" }, here.surroundings);
  const conversation = { id: "c", createdUnixSeconds: 1, metadata: {}, items: [] };
  await opened?.store.conversations.create("t", conversation);
  expect(await opened?.store.conversations.read("t", "c")).toMatchObject({ id: "c" });
  await opened?.close();
  expect(readdirSync(".")).toEqual(before);
});

test("what is past its time is deleted soon after the start, and told", async () => {
  await using here = await place();
  const clock = new ManualClock();
  const { promise: purged, resolve: tell } = Promise.withResolvers<TenantRemoval>();
  const opened = await openConversationStore(
    { store: ":memory:", responseTtlMs: 1000 },
    {
      ...here.surroundings,
      clock,
      onPurged: (removal) => {
        tell(removal);
        return Promise.resolve();
      },
    },
  );
  const turns = opened?.store.turns;
  await turns?.begin("t", {
    id: "old",
    createdUnixSeconds: clock.unixSeconds(),
    status: "in_progress",
    conversation: null,
    previousResponseId: null,
    parameters: {},
    inputItems: [],
  });
  const tokens = { promptTokens: Int32Array.of(1, 2), answerTokens: Int32Array.of(3) };
  await turns?.commit("t", {
    id: "old",
    status: "completed",
    endedUnixSeconds: clock.unixSeconds(),
    outputItems: [],
    usage: null,
    error: null,
    incompleteDetails: null,
    notes: null,
    isHistory: true,
    tokens,
    idempotency: null,
  });
  clock.advance(60_000);
  expect(await purged).toMatchObject({
    tenant: "t",
    tokenLists: [{ tokens: Int32Array.of(1, 2, 3), sharedTokens: 0 }],
  });
  expect(await opened?.store.responses.read("t", "old")).toBeNull();
  await opened?.close();
});
