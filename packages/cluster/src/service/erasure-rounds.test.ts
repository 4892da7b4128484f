// Rounds over a log that others use, too, for workers behind real sockets; looks come when the test
// lets time pass.

import { defined, LociError, systemClock } from "@loci/core";
import type { DeletedTokens, ErasureLog } from "@loci/core";
import { ManualClock } from "@loci/core/testing";
import { afterEach, describe, expect, it } from "vitest";
import { parseWorkerAddress } from "../address/worker-address.ts";
import { HttpWorkerLink } from "../link/http-worker-link.ts";
import { testKey, TestWorker, until } from "../testing/test-cluster.ts";
import { testFacts } from "../testing/token-service.ts";
import { ErasureRounds } from "./erasure-rounds.ts";
import { MemoryErasures } from "./memory-erasures.ts";
import { WorkerTable } from "./worker-table.ts";

const lookMs = 10_000;
const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

/** A router's part that erases, and the workers that it sees. */
class Eraser {
  readonly clock = new ManualClock();
  readonly table = new WorkerTable();
  readonly errors: unknown[] = [];
  readonly rounds = new ErasureRounds({
    table: this.table,
    clock: this.clock,
    onError: (error) => this.errors.push(error),
  });

  constructor() {
    open.push(() => Promise.resolve(this.rounds.close()));
  }

  sees({ id, url }: TestWorker): void {
    const address = parseWorkerAddress(url);
    const parts = { address, key: testKey, clock: systemClock, seed: 1, silenceMsMax: 1000 };
    const link = new HttpWorkerLink(parts);
    open.push(() => link.close());
    this.table.put(testFacts(id, "epoch"), link);
  }
}

async function startWorker(id: string): Promise<TestWorker> {
  const worker = new TestWorker(id);
  await worker.listen();
  open.push(() => worker.worker.close());
  return worker;
}

function deletedOf(...tokens: readonly number[]): DeletedTokens {
  return { tokens: Int32Array.from(tokens), sharedTokens: 0 };
}

/** First tokens of what it erased; those of one round come in any order. */
function erasedBy({ service }: TestWorker): number[] {
  return service.erased.map((deleted) => deleted?.tokens[0] ?? -1).toSorted((a, b) => a - b);
}

function gone(): Promise<never> {
  return Promise.reject(new LociError("storage_unavailable", "The database is gone."));
}

describe("ErasureRounds", () => {
  it("does what another router could not do", async () => {
    const [near, far] = [await startWorker("near"), await startWorker("far")];
    const [one, other] = [new Eraser(), new Eraser()];
    one.sees(near);
    one.sees(far);
    other.sees(near);
    const log = new MemoryErasures();
    for (const { rounds } of [one, other]) await rounds.keepIn(log);
    await other.rounds.erase("tenant", deletedOf(1));
    expect(near.service.erased).toEqual([deletedOf(1)]);
    expect(far.service.erased).toEqual([]);
    one.clock.advance(lookMs);
    await until(() => far.service.erased.length === 1);
    expect(await log.owed("near")).toEqual([]);
    expect([...one.errors, ...other.errors]).toEqual([]);
  });

  it("tells all that was missed to a worker that comes, though the log's router is gone", async () => {
    const log = new MemoryErasures();
    await log.meet(["away"]);
    const first = new Eraser();
    await first.rounds.keepIn(log);
    for (const token of [1, 2, 3]) await first.rounds.erase("tenant", deletedOf(token));
    expect(await first.rounds.isSomebodyAway()).toBe(true);
    first.rounds.close();
    const second = new Eraser();
    await second.rounds.keepIn(log);
    const away = await startWorker("away");
    second.sees(away);
    await until(() => away.service.erased.length === 3);
    expect(erasedBy(away)).toEqual([1, 2, 3]);
    expect(await second.rounds.isSomebodyAway()).toBe(false);
  });

  it("asks a worker again that failed", async () => {
    const worker = await startWorker("worker");
    const eraser = new Eraser();
    eraser.sees(worker);
    const { service } = worker;
    const erase = service.eraseCached.bind(service);
    service.eraseCached = () => Promise.reject(new LociError("internal", "Not now."));
    await eraser.rounds.erase("tenant", deletedOf(1));
    expect(eraser.errors[0]).toMatchObject({ code: "unavailable" });
    service.eraseCached = erase;
    await eraser.rounds.erase("tenant", deletedOf(2));
    expect(erasedBy(worker)).toEqual([1, 2]);
    service.eraseCached = () => Promise.reject(new LociError("internal", "Not now."));
    await eraser.rounds.erase("tenant", deletedOf(3));
    service.eraseCached = erase;
    eraser.clock.advance(lookMs);
    await until(() => service.erased.length === 3);
  });

  it("shares rounds between many at once, and every one of them is done when it says so", async () => {
    const worker = await startWorker("worker");
    const eraser = new Eraser();
    eraser.sees(worker);
    const tokens = Array.from({ length: 40 }, (_, index) => index);
    await Promise.all(
      tokens.map(async (token) => {
        await eraser.rounds.erase("tenant", deletedOf(token));
        const isDone = worker.service.erased.some((one) => one?.tokens[0] === token);
        expect(isDone).toBe(true);
      }),
    );
    expect(worker.service.erased).toHaveLength(tokens.length);
    eraser.rounds.checkIntegrity();
  });

  it("erases where it can when the log is not to be had, and says so", async () => {
    const worker = await startWorker("worker");
    const eraser = new Eraser();
    eraser.sees(worker);
    const log: ErasureLog = { meet: gone, add: gone, owed: gone, done: gone, workers: gone };
    await eraser.rounds.keepIn(log);
    eraser.errors.length = 0;
    await eraser.rounds.erase("tenant", deletedOf(1));
    expect(worker.service.erased).toEqual([deletedOf(1)]);
    expect(defined(eraser.errors[0])).toMatchObject({ code: "storage_unavailable" });
  });
});
