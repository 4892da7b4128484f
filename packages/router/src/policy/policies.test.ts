import { defined } from "@loci/core";
import { describe, expect, test } from "vitest";
import { policyNames, routerOptions, type PolicyName } from "../router-options.ts";
import { SessionHomes } from "../sessions/session-homes.ts";
import { PlacementBench } from "../testing/placement-view.ts";
import { countTokens, workerLoad } from "../testing/router-fixtures.ts";
import { makePolicy } from "./make-policy.ts";
import type { PlacementPolicy, PlacementView } from "./placement-policy.ts";
import { testPlacementPolicy } from "./placement-policy.suite.ts";

const price = {
  secondsPerStep: 0.01,
  secondsPerToken: 0.0001,
  secondsPerAttended: 1e-8,
  secondsPerSequence: 1e-5,
};
const prompt = countTokens(320, 1000);

function policyOf(policy: PolicyName, fetchSecondsPerBlock: number | null = null): PlacementPolicy {
  return makePolicy(routerOptions({ policy, fetchSecondsPerBlock }), new SessionHomes(16));
}

/** Id of the worker that the policy prefers; the request goes there. */
function chosen(policy: PlacementPolicy, view: PlacementView): string {
  policy.score(view);
  const scores = [...view.scores.subarray(0, view.workers.length)];
  const worker = defined(view.workers[scores.indexOf(Math.min(...scores))]);
  worker.add(view.live);
  policy.placed?.(view);
  return worker.id;
}

/** Workers that know what their steps cost. */
function knowing(workers: number): PlacementBench {
  const bench = new PlacementBench(workers);
  for (const worker of bench.workers) {
    worker.answered = 10;
    worker.reported(workerLoad({ latency: price }), 0);
  }
  return bench;
}

/** Where each of 200 conversations goes. */
function sessionHomes(workers: number): string[] {
  const bench = new PlacementBench(workers);
  const policy = policyOf("session-hash");
  return Array.from({ length: 200 }, (_, index) =>
    chosen(policy, bench.view({ sessionKey: `session ${index}` })),
  );
}

for (const name of policyNames) testPlacementPolicy(name, () => policyOf(name, 1e-4));

describe("policies that know caches", () => {
  const names = ["seconds", "cache-aware", "l-metric", "dynamo", "llm-d"] as const;

  test.each(names)("%s goes where the prompt is held, all else being equal", (name) => {
    const bench = knowing(4);
    bench.hold(2, prompt, 20);
    expect(chosen(policyOf(name), bench.view({ promptTokens: prompt }))).toBe("c");
  });

  test.each(["seconds", "l-metric", "dynamo"] as const)(
    "%s leaves a holder whose queue costs more than the prompt",
    (name) => {
      const bench = knowing(2);
      bench.hold(0, prompt, 20);
      const policy = policyOf(name);
      for (let index = 0; index < 10; index++) {
        const view = bench.view({ promptTokens: countTokens(3000, 7 + index) });
        defined(bench.workers[0]).add(view.live);
      }
      expect(chosen(policy, bench.view({ promptTokens: prompt }))).toBe("b");
    },
  );
});

describe("seconds", () => {
  test("brings blocks from a peer when that is cheaper than computing them", () => {
    const bench = knowing(2);
    bench.hold(0, prompt, 20);
    for (let index = 0; index < 10; index++) {
      const view = bench.view({ promptTokens: countTokens(3000, 7 + index) });
      defined(bench.workers[0]).add(view.live);
    }
    const cheap = policyOf("seconds", 1e-5);
    expect(chosen(cheap, bench.view({ promptTokens: prompt }))).toBe("b");
    const advice = { fromWorkerId: "a", blockStart: 0, blockEnd: 20 };
    expect(cheap.fetch?.(1)).toEqual(advice);
    const dear = policyOf("seconds", 1);
    dear.score(bench.view({ promptTokens: prompt }));
    expect(dear.fetch?.(1)).toBeNull();
    // Who has fetched before knows better than the setting.
    const taker = defined(bench.workers[1]);
    taker.load = workerLoad({ latency: price, fetchSecondsPerBlock: 1e-5 });
    dear.score(bench.view({ promptTokens: prompt }));
    expect(dear.fetch?.(1)).toEqual(advice);
    taker.load = workerLoad({ latency: price, fetchSecondsPerBlock: 1 });
    cheap.score(bench.view({ promptTokens: prompt }));
    expect(cheap.fetch?.(1)).toBeNull();
  });

  test("does not let long prompts keep a short one from home", () => {
    const bench = knowing(2);
    bench.hold(0, prompt, 20);
    const long = bench.view({ promptTokens: countTokens(30_000, 7) });
    defined(bench.workers[0]).add(long.live);
    const policy = policyOf("seconds");
    const [short, fresh] = [prompt, countTokens(20_000, 9)];
    policy.score(bench.view({ promptTokens: short }));
    const passing = defined(policy.terms?.(0)).queue;
    policy.score(bench.view({ promptTokens: fresh }));
    expect(passing).toBeLessThan(0.1 * defined(policy.terms?.(0)).queue);
  });

  test("moves nothing between workers that may not understand each other's blocks", () => {
    const bench = knowing(2);
    const [one, other] = bench.workers;
    Object.assign(defined(one).facts, { fingerprint: "" });
    Object.assign(defined(other).facts, { fingerprint: "" });
    bench.hold(0, prompt, 20);
    const policy = policyOf("seconds", 1e-6);
    policy.score(bench.view({ promptTokens: prompt }));
    expect(policy.fetch?.(1)).toBeNull();
  });

  test("spares memories that are full of what is worth something", () => {
    const bench = knowing(2);
    const full = { latency: price, kvBlocksFree: 4096, kvBlocksCached: 4096 };
    defined(bench.workers[0]).reported(workerLoad({ ...full, evictionSecondsPerBlock: 0.01 }), 0);
    defined(bench.workers[1]).reported(workerLoad({ latency: price }), 0);
    expect(chosen(policyOf("seconds"), bench.view({ promptTokens: prompt }))).toBe("b");
  });

  test("shuns workers whose memory is promised already", () => {
    const bench = knowing(2);
    defined(bench.workers[0]).reported(workerLoad({ latency: price, kvBlocksPeak: 4000 }), 0);
    expect(chosen(policyOf("seconds"), bench.view({ promptTokens: prompt }))).toBe("b");
  });

  test("prices slower devices by their own word", () => {
    const bench = knowing(2);
    const slow = { ...price, secondsPerToken: 10 * price.secondsPerToken };
    defined(bench.workers[0]).reported(workerLoad({ latency: slow }), 0);
    const policy = policyOf("seconds");
    expect(chosen(policy, bench.view({ promptTokens: prompt }))).toBe("b");
    const terms = defined(policy.terms?.(0));
    expect(terms.prefill).toBeGreaterThan(5 * defined(policy.terms?.(1)).prefill);
  });

  test("keeps a conversation at home unless leaving pays", () => {
    const homes = new SessionHomes(16);
    const policy = makePolicy(routerOptions({ policy: "seconds" }), homes);
    const bench = knowing(2);
    for (const slot of [0, 1]) bench.hold(slot, prompt, 20);
    const view = bench.view({ promptTokens: prompt, sessionKey: "mine" });
    homes.served(view.live.request, "b");
    expect(chosen(policy, view)).toBe("b");
    expect(policy.reason?.(1, view)).toBe("session_home");
  });
});

describe("e2", () => {
  test("exploits where a prompt mostly is, explores by load otherwise", () => {
    const policy = policyOf("e2");
    const bench = knowing(3);
    const first = chosen(policy, bench.view({ promptTokens: prompt }));
    expect(chosen(policy, bench.view({ promptTokens: prompt }, 1))).toBe(first);
    const other = chosen(policy, bench.view({ promptTokens: countTokens(320, 9000) }, 2));
    expect(other).not.toBe(first);
  });

  test("what a worker gave up is no reason to go there", () => {
    const policy = policyOf("e2");
    const bench = knowing(2);
    const first = chosen(policy, bench.view({ promptTokens: prompt }));
    const view = bench.view({ promptTokens: prompt }, 1);
    const holder = defined(bench.workers.find(({ id }) => id === first));
    policy.removed?.(holder, defined(view.hits.names(holder)));
    expect(chosen(policy, view)).not.toBe(first);
  });
});

describe("session-hash", () => {
  test("a worker that comes moves only the conversations that it gets", () => {
    const [before, after] = [sessionHomes(4), sessionHomes(5)];
    for (const [index, id] of before.entries()) expect([id, "e"]).toContain(after[index]);
    const moved = after.filter((id) => id === "e").length;
    expect(moved).toBeGreaterThan(20);
    expect(moved).toBeLessThan(60);
  });
});

describe("cache-aware", () => {
  test("goes by load once loads differ too much", () => {
    const bench = knowing(2);
    bench.hold(0, prompt, 20);
    const policy = policyOf("cache-aware");
    for (let index = 0; index < 65; index++) defined(bench.workers[0]).add(bench.view().live);
    expect(chosen(policy, bench.view({ promptTokens: prompt }))).toBe("b");
  });
});
