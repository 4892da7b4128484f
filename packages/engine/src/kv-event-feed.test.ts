import { blockNames, systemClock } from "@loci/core";
import type { KvEvent } from "@loci/core";
import { expect, it } from "vitest";
import { LocalService } from "./local-service.ts";
import { HashRunner } from "./testing/hash-runner.ts";
import { KvMirror } from "./testing/kv-mirror.ts";
import { testRequest } from "./testing/requests.ts";

async function answer(service: LocalService, prompt: readonly number[]): Promise<void> {
  const request = testRequest({ prompt, maxTokens: 3 });
  for await (const event of service.generate(request, new AbortController().signal)) void event;
}

function makeService(reportsBlocks: boolean): LocalService {
  const runner = new HashRunner({ blockCount: 8 });
  return new LocalService({ runner, tokenText: runner, clock: systemClock, reportsBlocks });
}

it("tells listeners every change from then on, in order, until they leave", async () => {
  const service = makeService(true);
  const prompts = [0, 1, 2, 3].map((seed) =>
    Array.from({ length: 10 }, (_, place) => place + seed),
  );
  await answer(service, prompts[0] ?? []);
  const mirror = new KvMirror();
  const leave = service.listenKvEvents((events) => mirror.apply(events));
  // What was there before the first event comes as a snapshot.
  mirror.apply(
    service.heldBlocks().map(({ tier, blocks }) => ({ type: "stored", tier, blocks: [...blocks] })),
  );
  for (const prompt of prompts) {
    await answer(service, prompt);
    mirror.assertEquals(service.heldBlocks());
  }
  const device = service.heldBlocks().find(({ tier }) => tier === "device");
  const names = blockNames("tenant", Int32Array.from(prompts[3] ?? []), 4);
  expect([...(device?.blocks ?? [])]).toEqual(expect.arrayContaining([...names]));
  service.clearCache();
  mirror.assertEquals(service.heldBlocks());
  leave();
  const missed: KvEvent[] = [];
  const again = service.listenKvEvents((events) => missed.push(...events));
  again();
  await answer(service, prompts[0] ?? []);
  expect(missed).toEqual([]);
  await service.close({ drain: true });
});

it("holds nothing to tell of when nothing is reported", async () => {
  const service = makeService(false);
  const heard: KvEvent[] = [];
  service.listenKvEvents((events) => heard.push(...events));
  await answer(service, [1, 2, 3, 4, 5, 6, 7, 8]);
  expect([heard, service.heldBlocks()]).toEqual([[], []]);
  await service.close({ drain: true });
});
