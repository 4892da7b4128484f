// Cables between a router and its workers are cut, muted and pulled in and out in the midst of
// answers: no error arrives anywhere, only silence. Every client still gets the exact stream of one
// engine that nothing ever happened to, once, and the cut off come back when the cable does.

import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { defined, sleep, systemClock } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { ClusterKey, openCluster, StaticDirectory } from "@loci/cluster";
import type { Cluster } from "@loci/cluster";
import type { LocalService } from "@loci/engine";
import { Router } from "@loci/router";
import { afterAll, beforeAll, expect, test } from "vitest";

import { hashRequest, hashService } from "./hash-service.ts";
import { readEvents } from "./read-events.ts";
import { NetworkLab, networkLabMissing } from "./network-lab.ts";

const program = fileURLToPath(new URL("lab-worker.ts", import.meta.url));
const key = "a-key-for-the-laboratory";
const tokensMax = 80;
const workers = 3;
const missing = networkLabMissing();
const notice = missing === null ? "" : ` (left out: ${missing})`;

let lab: NetworkLab;
let router: Router;
let cluster: Cluster;
let alone: LocalService;
let requests = 0;

beforeAll(async () => {
  if (missing !== null) return;
  lab = new NetworkLab();
  const urls: string[] = [];
  for (let index = 0; index < workers; index++) {
    const host = lab.addHost();
    const child = lab.start(host, [program, lab.addressOf(host), `w${host}`, key]);
    await once(defined(child.stdout ?? undefined), "data");
    urls.push(`http://${lab.addressOf(host)}:9931`);
  }
  router = new Router({ policy: "least-requests" }, { seed: 3 });
  cluster = openCluster({
    router,
    clock: systemClock,
    seed: 3,
    key: new ClusterKey(key),
    directories: [new StaticDirectory(urls)],
  });
  alone = hashService();
  await allAlive();
}, 60_000);

afterAll(async () => {
  if (missing !== null) return;
  await cluster.close();
  await alone.close({ drain: false });
  lab[Symbol.dispose]();
});

function aliveCount(): number {
  return router.workers().filter(({ health }) => health === "alive").length;
}

/** An answer may have been on its way whole: then the silence is noticed only after it. */
async function oneIsMissed(): Promise<void> {
  while (aliveCount() === workers) await sleep(systemClock, 10);
}

async function allAlive(): Promise<void> {
  while (aliveCount() < workers) await sleep(systemClock, 10);
}

function newRequest(): GenerationRequest {
  return { ...hashRequest(requests, tokensMax), id: `cut-${requests++}` };
}

/** What a client can tell one answer from another by; not what was found cached. */
function outcomeOf(events: readonly GenerationEvent[]): unknown {
  return events.map((event) => {
    if (event.type === "started") return { type: event.type };
    if (event.type === "finished") return { ...event, usage: event.usage.completionTokens };
    return event;
  });
}

/** Out and in four times. */
async function flap(host: number): Promise<void> {
  for (let round = 0; round < 4; round++) {
    lab.cut(host);
    await sleep(systemClock, 700);
    lab.heal(host);
    await sleep(systemClock, 300);
  }
}

/** Six answers at once; `strike` gets the host of the first of them, at its token. */
async function answerDuring(atToken: number, strike: (host: number) => void): Promise<void> {
  const all = Array.from({ length: 6 }, newRequest);
  const first = defined(all[0]);
  let struck = -1;
  const answers = await Promise.all(
    all.map((request) =>
      readEvents(cluster.service, request, (tokens) => {
        if (request !== first || tokens !== atToken) return;
        struck = Number(defined(router.explain(first.id)).workerId.slice(1));
        strike(struck);
      }),
    ),
  );
  for (const [index, events] of answers.entries()) {
    const expected = await readEvents(alone, defined(all[index]));
    expect(outcomeOf(events)).toEqual(outcomeOf(expected));
  }
  expect(struck).toBeGreaterThanOrEqual(0);
}

test.skipIf(missing !== null).for([1, 33, 79])(
  `a cable is cut at token %i, and joined again${notice}`,
  { timeout: 60_000 },
  async (atToken) => {
    let cut = -1;
    try {
      await answerDuring(atToken, (struck) => {
        cut = struck;
        lab.cut(struck);
      });
      await oneIsMissed();
    } finally {
      lab.heal(cut);
    }
    await allAlive();
    expect(router.liveRequests).toBe(0);
    router.checkIntegrity();
    cluster.checkIntegrity();
  },
);

test.skipIf(missing !== null)(
  `a worker hears everything and cannot be heard${notice}`,
  { timeout: 60_000 },
  async () => {
    let muted = -1;
    try {
      await answerDuring(20, (struck) => {
        muted = struck;
        lab.mute(struck);
      });
      await oneIsMissed();
    } finally {
      lab.unmute(muted);
    }
    await allAlive();
    expect(router.liveRequests).toBe(0);
    router.checkIntegrity();
  },
);

test.skipIf(missing !== null)(
  `a cable is pulled out and in again and again${notice}`,
  { timeout: 90_000 },
  async () => {
    let flapping: Promise<void> = Promise.resolve();
    await answerDuring(5, (struck) => {
      flapping = flap(struck);
    });
    for (let round = 0; round < 5; round++) await answerDuring(40, () => undefined);
    await flapping;
    await allAlive();
    expect(router.liveRequests).toBe(0);
    router.checkIntegrity();
    cluster.checkIntegrity();
  },
);

test.skipIf(missing !== null)(
  `of three workers two are cut off${notice}`,
  { timeout: 60_000 },
  async () => {
    const cut = new Set<number>();
    await answerDuring(10, (struck) => {
      for (const host of [struck, (struck + 1) % workers]) {
        lab.cut(host);
        cut.add(host);
      }
    });
    for (const host of cut) lab.heal(host);
    await allAlive();
    expect(router.liveRequests).toBe(0);
    router.checkIntegrity();
    cluster.checkIntegrity();
  },
);
