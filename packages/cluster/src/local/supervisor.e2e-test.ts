// Real processes: started, killed, stopped, left behind by their parent.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { defined, LociError, Random, systemClock } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { Router } from "@loci/router";
import { describe, expect, it } from "vitest";
import { ClusterKey } from "../cluster-key.ts";
import { openCluster } from "../cluster.ts";
import type { Cluster } from "../cluster.ts";
import { clusterRequest, tokensOf, until } from "../testing/test-cluster.ts";
import { answerTo } from "../testing/token-service.ts";
import { Supervisor } from "./supervisor.ts";
import type { SupervisorOptions } from "./supervisor.ts";

const program = fileURLToPath(new URL("../testing/tiny-worker.ts", import.meta.url));
const plainKey = "a-key-for-tiny-workers";

class TinyCluster implements AsyncDisposable {
  readonly supervisor: Supervisor;
  readonly router: Router = new Router({ policy: "least-requests", deathsMax: 3 }, { seed: 3 });
  readonly cluster: Cluster;
  readonly lines: string[] = [];
  readonly states: string[] = [];
  readonly failures: string[] = [];

  constructor(modes: readonly string[], options: Partial<SupervisorOptions> = {}) {
    this.supervisor = new Supervisor({
      command: [process.execPath, program],
      environment: process.env,
      workers: modes.map((mode, index) => ({ id: `tiny-${index}`, settings: { mode } })),
      key: plainKey,
      clock: systemClock,
      // Here they die far more often than anywhere else.
      pace: { delayMsMin: 1, delayMsMax: 20 },
      onState: (id, state) => this.states.push(`${id} ${state}`),
      onLine: (_id, line) => this.lines.push(line),
      ...options,
    });
    this.cluster = openCluster({
      router: this.router,
      clock: systemClock,
      seed: 3,
      key: new ClusterKey(plainKey),
      directories: [this.supervisor],
      onAttemptFailed: (_request, _worker, { failure }) => this.failures.push(failure),
      onHealth: (workerId, health) => this.supervisor.noteHealth(workerId, health),
    });
  }

  async ready(count: number): Promise<void> {
    await until(() => this.cluster.table.size === count);
  }

  pidOf(workerId: string): number {
    const state = this.supervisor.states.find(({ id }) => id === workerId);
    return defined(state?.pid);
  }

  /** The worker that has the request. */
  holderOf({ id }: GenerationRequest): string {
    return defined(this.router.explain(id)).workerId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.close();
    await this.supervisor.stop(0);
  }
}

interface Act {
  readonly atTokens: number;
  readonly act: (workerId: string) => void;
}

/** Reads an answer and does something once so many tokens of it came. */
async function read(
  tiny: TinyCluster,
  request: GenerationRequest,
  acts: readonly Act[] = [],
): Promise<readonly GenerationEvent[]> {
  const events: GenerationEvent[] = [];
  let tokens = 0;
  const { signal } = new AbortController();
  for await (const event of tiny.cluster.service.generate(request, signal)) {
    events.push(event);
    if (event.type === "token") tokens++;
    const due = event.type === "finished" ? [] : acts.filter(({ atTokens }) => atTokens === tokens);
    if (event.type === "token" || tokens === 0)
      for (const { act } of due) act(tiny.holderOf(request));
  }
  return events;
}

function expectExact(events: readonly GenerationEvent[], request: GenerationRequest): void {
  expect(tokensOf(events)).toEqual(answerTo(request));
  const ends = events.filter(({ type }) => type !== "token").map(({ type }) => type);
  expect(ends).toEqual(["started", "finished"]);
  expect(events.at(-1)).toMatchObject({ usage: { completionTokens: request.maxTokens } });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("supervised workers", () => {
  it("are told what to do without a word of it on their command line", async () => {
    await using tiny = new TinyCluster(["serve", "serve"]);
    await tiny.supervisor.started;
    await tiny.ready(2);
    const request = clusterRequest();
    expectExact(await read(tiny, request), request);
    expect(tiny.lines).toContain('settings {"mode":"serve"}');
    await tiny.supervisor.stop(1000);
    expect(tiny.supervisor.states.map(({ state, pid }) => [state, pid])).toEqual([
      ["stopped", null],
      ["stopped", null],
    ]);
  });

  it("finish what they have when they are stopped in order", async () => {
    await using tiny = new TinyCluster(["serve", "serve"]);
    await tiny.ready(2);
    const request = clusterRequest({ maxTokens: 100 });
    let stopped: Promise<void> = Promise.resolve();
    const act = (): void => {
      stopped = tiny.supervisor.stop(30_000);
    };
    expectExact(await read(tiny, request, [{ atTokens: 10, act }]), request);
    expect(tiny.failures).toEqual([]);
    await stopped;
  });

  it("lose no token of any answer when they are killed, one after the other", async () => {
    await using tiny = new TinyCluster(["serve", "serve", "serve"]);
    await tiny.ready(3);
    const random = new Random(7);
    for (let round = 0; round < 12; round++) {
      const requests = Array.from({ length: 6 }, () => clusterRequest({ maxTokens: 60 }));
      const [first] = requests;
      const atTokens = random.integer(0, 59);
      const kill = { atTokens, act: (id: string) => process.kill(tiny.pidOf(id), "SIGKILL") };
      const answers = await Promise.all(
        requests.map((request) => read(tiny, request, request === first ? [kill] : [])),
      );
      for (const [index, events] of answers.entries()) {
        expectExact(events, defined(requests[index]));
      }
      // Dead and back again.
      await until(() => tiny.supervisor.states.every(({ state }) => state === "ready"));
      await tiny.ready(3);
    }
    expect(tiny.failures.length).toBeGreaterThan(0);
    expect(tiny.router.liveRequests).toBe(0);
    tiny.router.checkIntegrity();
    tiny.cluster.checkIntegrity();
  }, 120_000);
});

describe("supervised workers and silence", () => {
  it("are left when they stall, and their late words do not count", async () => {
    await using tiny = new TinyCluster(["serve", "serve"]);
    await tiny.ready(2);
    const request = clusterRequest({ maxTokens: 400 });
    let stopped = 0;
    const stop = {
      atTokens: 50,
      act: (id: string) => {
        stopped = tiny.pidOf(id);
        process.kill(stopped, "SIGSTOP");
      },
    };
    const sinceMs = systemClock.nowMs();
    const wake = { atTokens: 300, act: () => process.kill(stopped, "SIGCONT") };
    expectExact(await read(tiny, request, [stop, wake]), request);
    expect(tiny.failures).toEqual(["worker_stalled"]);
    expect(systemClock.nowMs() - sinceMs).toBeLessThan(9000);
    // Awake again it serves again.
    await until(() => tiny.router.workers().every(({ health }) => health === "alive"));
  }, 60_000);

  it("are not blamed by a router that was stopped itself", async () => {
    await using tiny = new TinyCluster(["serve", "serve"]);
    await tiny.ready(2);
    const request = clusterRequest({ maxTokens: 300 });
    const pause = {
      atTokens: 50,
      act: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 8000),
    };
    expectExact(await read(tiny, request, [pause]), request);
    expect(tiny.failures).toEqual([]);
    expect(tiny.router.snapshotCounts().workerDeaths).toBe(0);
  }, 60_000);
});

describe("supervised workers at their ends", () => {
  it("say when they cannot start, and when they never stay", async () => {
    await using refusing = new TinyCluster(["refuse"]);
    await expect(refusing.supervisor.started).rejects.toMatchObject({ code: "model_file_invalid" });
    await using crashing = new TinyCluster(["crash"]);
    await expect(crashing.supervisor.started).rejects.toBeInstanceOf(LociError);
    expect(crashing.states.at(-1)).toBe("tiny-0 failing");
  });

  it("do not outlive a parent that is killed", async () => {
    const text = `
      import { Supervisor } from ${JSON.stringify(new URL("supervisor.ts", import.meta.url).href)};
      import { systemClock } from ${JSON.stringify(import.meta.resolve("@loci/core"))};
      const supervisor = new Supervisor({
        command: [process.execPath, ${JSON.stringify(program)}],
        environment: process.env,
        workers: [{ id: "child", settings: { mode: "serve" } }],
        key: null,
        clock: systemClock,
      });
      await supervisor.started;
      process.stdout.write(String(supervisor.states[0].pid) + "\\n");
    `;
    const parent = spawn(process.execPath, ["--input-type=module", "--eval", text]);
    const [line]: unknown[] = await once(parent.stdout, "data");
    const pid = Number(String(line));
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    await until(() => !isAlive(pid));
    expect(isAlive(pid)).toBe(false);
  });
});
