import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ManualClock } from "@loci/core/testing";
import { LiveHub, viewersMax } from "./live-hub.ts";

/** Lets everything that is due in microtasks happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

function hubOf(clock = new ManualClock()): {
  readonly hub: LiveHub;
  readonly clock: ManualClock;
  readonly counts: { looks: number; frames: number; idle: number };
} {
  const counts = { looks: 0, frames: 0, idle: 0 };
  const hub = new LiveHub({
    clock,
    onIdle: () => void counts.idle++,
    look: () => {
      const number = ++counts.looks;
      return Promise.resolve((tenant: string) => {
        counts.frames++;
        return `${tenant}:${number}`;
      });
    },
  });
  return { hub, clock, counts };
}

const forever = new AbortController().signal;

describe("LiveHub", () => {
  it("looks once for all, and writes a look once for each tenant", async () => {
    const { hub, clock, counts } = hubOf();
    const watchers = ["a", "a", "b"].map((tenant) => hub.watch(tenant, forever));
    const first = await Promise.all(watchers.map((one) => one.next()));
    expect(first.map(({ value }) => value)).toEqual(["a:1", "a:1", "b:1"]);
    expect(counts).toMatchObject({ looks: 1, frames: 2 });
    const second = watchers.map((one) => one.next());
    await settle();
    clock.advance(1000);
    const seen = await Promise.all(second);
    expect(seen.map(({ value }) => value)).toEqual(["a:2", "a:2", "b:2"]);
    hub.checkIntegrity();
    await Promise.all(watchers.map((one) => one.return(undefined)));
  });

  it("asks nothing while nobody looks on", async () => {
    const { hub, clock, counts } = hubOf();
    clock.advance(10_000);
    const watcher = hub.watch("a", forever);
    await watcher.next();
    await watcher.return(undefined);
    expect(counts.idle).toBeGreaterThan(0);
    expect(clock.timers).toBe(0);
    clock.advance(60_000);
    await settle();
    expect(counts.looks).toBe(1);
    expect(hub.viewers).toBe(0);
  });

  it("gives a slow reader the newest look only", async () => {
    const { hub, clock } = hubOf();
    const [slow, fast] = [hub.watch("a", forever), hub.watch("a", forever)];
    await slow.next();
    await fast.next();
    for (let second = 0; second < 5; second++) {
      const next = fast.next();
      await settle();
      clock.advance(1000);
      await next;
    }
    expect((await slow.next()).value).toBe("a:6");
    await slow.return(undefined);
    await fast.return(undefined);
  });

  it("refuses more than its bound, with a remedy, and has room again", async () => {
    const { hub } = hubOf();
    const watchers = Array.from({ length: viewersMax }, () => hub.watch("a", forever));
    await Promise.all(watchers.map((one) => one.next()));
    await expect(hub.watch("a", forever).next()).rejects.toMatchObject({
      code: "queue_full",
      status: 429,
      remedy: expect.stringContaining("Close one") as unknown,
    });
    await watchers[0]?.return(undefined);
    const again = hub.watch("a", forever);
    expect((await again.next()).done).toBe(false);
    await Promise.all([...watchers, again].map((one) => one.return(undefined)));
  });

  it("ends when its reader leaves and when it is closed", async () => {
    const { hub, clock } = hubOf();
    const leaving = new AbortController();
    const [one, other] = [hub.watch("a", leaving.signal), hub.watch("a", forever)];
    await Promise.all([one.next(), other.next()]);
    const ends = [one.next(), other.next()];
    await settle();
    leaving.abort();
    expect((await ends[0])?.done).toBe(true);
    hub.close();
    expect((await ends[1])?.done).toBe(true);
    expect([hub.viewers, clock.timers]).toEqual([0, 0]);
  });

  it("keeps its counts whatever comes and goes", async () => {
    const act = fc.oneof(
      fc.constant({ kind: "come" as const }),
      fc.record({ kind: fc.constant("leave" as const), at: fc.nat(40) }),
      fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 3000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 60 }), async (acts) => {
        const { hub, clock } = hubOf();
        const watchers: AsyncGenerator<string>[] = [];
        for (const one of acts) {
          if (one.kind === "come" && watchers.length < viewersMax) {
            const watcher = hub.watch("t", forever);
            await watcher.next();
            watchers.push(watcher);
          } else if (one.kind === "leave") {
            const [left] = watchers.splice(one.at % Math.max(1, watchers.length), 1);
            await left?.return(undefined);
          } else if (one.kind === "wait") clock.advance(one.ms);
          await settle();
          hub.checkIntegrity();
          expect(hub.viewers).toBe(watchers.length);
          expect(clock.timers).toBe(watchers.length > 0 ? 1 : 0);
        }
      }),
      { numRuns: 100, seed: 61 },
    );
  });
});
