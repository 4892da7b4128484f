import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LiveStore, type LiveClock } from "./live-store.ts";
import { liveView } from "../testing/live-views.ts";

/** Timers that a test lets pass. */
class HandClock implements LiveClock {
  readonly #timers = new Set<{ atMs: number; callback: () => void }>();
  #nowMs = 0;

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    const due = [...this.#timers].filter(({ atMs }) => atMs <= this.#nowMs);
    for (const timer of due) {
      if (this.#timers.delete(timer)) timer.callback();
    }
  }
}

interface Stream {
  readonly signal: AbortSignal;
  send(data: string): void;
  end(): void;
  fail(error: Error): void;
}

function world() {
  const clock = new HandClock();
  const streams: Stream[] = [];
  const store = new LiveStore({
    source: (signal, onData) =>
      new Promise<void>((resolve, reject) => {
        streams.push({ signal, send: onData, end: resolve, fail: reject });
      }),
    clock,
    isFinal: (cause) => cause instanceof RangeError,
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    store.checkIntegrity();
  };
  return { clock, streams, store, settle };
}

const frame = (atMs: number): string => JSON.stringify(liveView({ atMs }));

describe("LiveStore", () => {
  it("has one stream for all that watch, and none when nobody does", async () => {
    const { store, streams, settle } = world();
    const leave = store.watch();
    const leaveToo = store.watch();
    expect(streams).toHaveLength(1);
    streams[0]?.send(frame(1000));
    expect(store.latest.value?.atMs).toBe(1000);
    expect(store.status.value.kind).toBe("live");
    leave();
    leave();
    expect(streams[0]?.signal.aborted).toBe(false);
    leaveToo();
    expect(streams[0]?.signal.aborted).toBe(true);
    expect(store.status.value.kind).toBe("idle");
    await settle();
  });

  it("is closed while the page is hidden and goes on with its history", async () => {
    const { store, streams, settle } = world();
    store.watch();
    streams[0]?.send(frame(1000));
    store.setVisible(false);
    expect(streams[0]?.signal.aborted).toBe(true);
    store.setVisible(true);
    streams[1]?.send(frame(9000));
    expect(store.history.points.map(({ atMs }) => atMs)).toEqual([1000, 9000]);
    await settle();
  });

  it("tries again ever later, and from the beginning after a view", async () => {
    const { store, streams, clock, settle } = world();
    store.watch();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 7; attempt++) {
      streams.at(-1)?.fail(new Error("gone"));
      await settle();
      const status = store.status.value;
      if (status.kind !== "broken") throw new Error(`it is ${status.kind}`);
      const retryMs = status.retryMs ?? Number.NaN;
      delays.push(retryMs);
      clock.pass(retryMs - 1);
      expect(streams).toHaveLength(attempt + 1);
      clock.pass(1);
      expect(streams).toHaveLength(attempt + 2);
    }
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    streams.at(-1)?.send(frame(1000));
    streams.at(-1)?.end();
    await settle();
    expect(store.status.value).toMatchObject({ kind: "broken", retryMs: 1000 });
  });

  it("gives a quiet stream up, and one that sends something else", async () => {
    const { store, streams, clock, settle } = world();
    store.watch();
    clock.pass(9000);
    streams[0]?.send(frame(1000));
    clock.pass(9000);
    expect(store.status.value.kind).toBe("live");
    clock.pass(1000);
    expect(store.status.value.kind).toBe("broken");
    expect(streams[0]?.signal.aborted).toBe(true);
    clock.pass(1000);
    streams[1]?.send('{"hello": 1}');
    expect(store.status.value.kind).toBe("broken");
    streams[1]?.send(frame(5000));
    expect(store.latest.value?.atMs).toBe(1000);
    await settle();
  });

  it("tries at once when told to", async () => {
    const { store, streams, settle } = world();
    store.retryNow();
    expect(streams).toHaveLength(0);
    store.watch();
    streams[0]?.fail(new Error("401"));
    await settle();
    store.retryNow();
    expect(streams).toHaveLength(2);
    await settle();
  });

  it("does not ask again for what is refused, until it is told to", async () => {
    const { store, streams, clock, settle } = world();
    store.watch();
    streams[0]?.fail(new RangeError("a key is missing"));
    await settle();
    clock.pass(1_000_000);
    store.watch();
    expect(streams).toHaveLength(1);
    expect(store.status.value).toMatchObject({ kind: "broken", retryMs: null });
    store.retryNow();
    expect(streams).toHaveLength(2);
    await settle();
  });

  it("holds together whatever happens in whatever order", async () => {
    const step = fc.constantFrom(
      "watch",
      "leave",
      "hide",
      "show",
      "send",
      "junk",
      "fail",
      "final",
      "end",
      "pass",
      "retry",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { store, streams, clock, settle } = world();
        const watchers: (() => void)[] = [];
        let atMs = 0;
        const acts: Readonly<Record<(typeof steps)[number], () => void>> = {
          watch: () => watchers.push(store.watch()),
          leave: () => watchers.pop()?.(),
          hide: () => store.setVisible(false),
          show: () => store.setVisible(true),
          send: () => streams.at(-1)?.send(frame((atMs += 1000))),
          junk: () => streams.at(-1)?.send("[]"),
          fail: () => streams.at(-1)?.fail(new Error("gone")),
          final: () => streams.at(-1)?.fail(new RangeError("refused")),
          end: () => streams.at(-1)?.end(),
          pass: () => clock.pass(5000),
          retry: () => store.retryNow(),
        };
        for (const one of steps) {
          acts[one]();
          await settle();
          expect(streams.filter(({ signal }) => !signal.aborted).length).toBeLessThanOrEqual(1);
        }
      }),
      { seed: 31, numRuns: 300 },
    );
  });
});
