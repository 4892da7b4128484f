// kill -9 and SIGSTOP of workers in the midst of answers, with real engines in real processes: every
// client still gets the exact stream of one engine that nothing ever happened to, once.
//
// LOCI_KILL_POINTS makes it longer.

import { fileURLToPath } from "node:url";
import { defined, greedySampling, Random, sleep, systemClock } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { ClusterKey, openCluster, Supervisor } from "@loci/cluster";
import { Router } from "@loci/router";
import { expect, test } from "vitest";
import { hashRequest, hashService } from "./hash-service.ts";
import { readEvents } from "./read-events.ts";

const program = fileURLToPath(new URL("hash-worker.ts", import.meta.url));
const points = Number(process.env["LOCI_KILL_POINTS"] ?? "20");
const timeout = 60_000 + points * 15_000;
const workers = 4;
const tokensMax = 60;
const key = "a-key-for-hash-workers";

/** Plain, sampled, with penalties that see the whole answer, with stop strings across tokens. */
function requestOf(seed: number): GenerationRequest {
  const request = { ...hashRequest(seed, tokensMax), id: `killed-${seed}` };
  const sampled = { ...greedySampling, temperature: 0.8, seed: seed + 1 };
  const kinds: readonly Partial<GenerationRequest>[] = [
    {},
    { sampling: sampled },
    { sampling: { ...sampled, repetitionPenalty: 1.2, logprobsTop: 2 } },
    { stop: [" 7", "99 1", "\n"] },
  ];
  return { ...request, ...kinds[seed % kinds.length] };
}

/** What a client can tell one answer from another by. */
function outcomeOf(events: readonly GenerationEvent[]): unknown {
  const tokens = events.filter(({ type }) => type === "token");
  const others = events.filter(({ type }) => type !== "token").map(({ type }) => type);
  const end = defined(events.at(-1));
  const usage = end.type === "finished" ? end.usage.completionTokens : null;
  return { tokens, others, end: { ...end, usage } };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(systemClock, 1);
}

test("no answer changes when its workers are killed or stopped", { timeout }, async () => {
  const supervisor = new Supervisor({
    command: [process.execPath, program],
    environment: process.env,
    workers: Array.from({ length: workers }, (_, index) => ({ id: `w${index}`, settings: {} })),
    key,
    clock: systemClock,
    pace: { delayMsMin: 1, delayMsMax: 20 },
  });
  const router = new Router({ policy: "least-requests", deathsMax: 3 }, { seed: 5 });
  const failures: string[] = [];
  const cluster = openCluster({
    router,
    clock: systemClock,
    seed: 5,
    key: new ClusterKey(key),
    directories: [supervisor],
    onAttemptFailed: (_request, _worker, { failure }) => failures.push(failure),
  });
  const alone = hashService();
  const random = new Random(11);
  let struck = 0;
  await supervisor.started;
  for (let point = 0; point < points; point++) {
    await until(() => cluster.table.size >= 3);
    const requests = [0, 1, 2].map((index) => requestOf(point * 3 + index));
    // Nothing but its limit ends it, so that it is always struck.
    const victims = requests.filter(({ stop }) => stop.length === 0);
    const victim = defined(victims[random.integer(0, victims.length - 1)]);
    const atTokens = random.integer(1, tokensMax - 1);
    const strike = (tokens: number): void => {
      if (tokens !== atTokens) return;
      struck++;
      const { workerId } = defined(router.explain(victim.id));
      const { pid } = defined(supervisor.states.find(({ id }) => id === workerId));
      const signal = point % 10 === 9 ? "SIGSTOP" : "SIGKILL";
      process.kill(defined(pid), signal);
      // A stopped one is woken once it was left, and goes on talking to nobody.
      if (signal === "SIGSTOP")
        systemClock.after(6000, () => process.kill(defined(pid), "SIGCONT"));
    };
    const answers = await Promise.all(
      requests.map((request) =>
        readEvents(cluster.service, request, request === victim ? strike : undefined),
      ),
    );
    for (const [index, events] of answers.entries()) {
      const expected = await readEvents(alone, defined(requests[index]));
      expect(outcomeOf(events)).toEqual(outcomeOf(expected));
    }
  }
  expect(struck).toBe(points);
  // Near its end an answer may have left its worker before that died.
  expect(failures.length).toBeGreaterThan(0.8 * points);
  expect(router.liveRequests).toBe(0);
  router.checkIntegrity();
  cluster.checkIntegrity();
  await cluster.close();
  await supervisor.stop(0);
  await alone.close({ drain: false });
});
