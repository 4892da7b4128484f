import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { ManualClock } from "@loci/core/testing";
import { EventLog } from "./event-log.ts";
import { LiveTurns, type LiveTurn, type TurnTrace } from "./live-turns.ts";

const bounds = { backgroundMax: 2, graceMs: 100, endedLogsMax: 2, endedEventsMax: 5, owedMax: 2 };

function trace(): TurnTrace {
  return { owner: "t", tokens: Int32Array.of(1, 2), sharedTokens: 1 };
}

interface Handle extends LiveTurn {
  readonly abort: AbortController;
  readonly end: () => void;
}

function turn(log: EventLog | null = null, retry = (): Promise<void> => Promise.resolve()): Handle {
  const abort = new AbortController();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const cancel = (): void => abort.abort();
  return { abort, signal: abort.signal, ended, end, retry, trace, cancel, log };
}

function logOf(length: number): EventLog {
  const log = new EventLog();
  for (let number = 0; number < length; number++) {
    log.append({ type: "x", sequence_number: number });
  }
  return log;
}

test("a turn that goes on is waited for during the grace only", async () => {
  const clock = new ManualClock();
  const turns = new LiveTurns(clock, bounds);
  const running = turn();
  turns.add("a", running);
  const asked = turns.hasEnded("a");
  clock.advance(100);
  expect(await asked).toBe(false);
  expect(await turns.hasEnded("unknown")).toBe(false);
  expect(clock.timers).toBe(0);
});

test("one whose client left is waited for until it has ended", async () => {
  const clock = new ManualClock();
  const turns = new LiveTurns(clock, bounds);
  const leaving = turn();
  turns.add("a", leaving);
  const asked = turns.hasEnded("a");
  leaving.abort.abort();
  clock.advance(1000);
  turns.settle("a", true);
  leaving.end();
  expect(await asked).toBe(true);
  turns.checkIntegrity();
});

test("what was not kept is tried again", async () => {
  const turns = new LiveTurns(new ManualClock(), bounds);
  let tries = 0;
  const owing = turn(null, () => {
    if (++tries === 2) turns.settle("a", true);
    return Promise.resolve();
  });
  turns.add("a", owing);
  turns.settle("a", false);
  owing.end();
  turns.checkIntegrity();
  expect(await turns.hasEnded("a")).toBe(false);
  expect(await turns.hasEnded("a")).toBe(true);
  turns.checkIntegrity();
});

test("background turns and the logs they leave are bounded", () => {
  const turns = new LiveTurns(new ManualClock(), bounds);
  const log = (id: string, length: number): void => {
    turns.add(id, turn(logOf(length)));
    turns.settle(id, true);
    turns.checkIntegrity();
  };
  log("a", 1);
  log("b", 1);
  log("c", 1);
  expect(["a", "b", "c"].map((id) => turns.log(id) !== null)).toEqual([false, true, true]);
  log("d", 5);
  expect(["b", "c", "d"].map((id) => turns.log(id) !== null)).toEqual([false, false, true]);
  expect(turns.forget("d")).toBeNull();
  expect(turns.log("d")).toBeNull();
  turns.add("e", turn(logOf(1)));
  turns.requireRoom();
  turns.add("f", turn(logOf(1)));
  expect(() => turns.requireRoom()).toThrow(expect.objectContaining({ code: "queue_full" }));
});

test("a turn that was deleted while it ran is ended and leaves no log", () => {
  const turns = new LiveTurns(new ManualClock(), bounds);
  const running = turn(logOf(2));
  turns.add("a", running);
  expect(turns.forget("a")).toMatchObject({ owner: "t", sharedTokens: 1 });
  expect(running.signal.aborted).toBe(true);
  turns.settle("a", false);
  expect(turns.log("a")).not.toBeNull();
  turns.settle("a", true);
  expect(turns.log("a")).toBeNull();
  turns.checkIntegrity();
});

test("what the store did not take is tried again at growing distances until it does", async () => {
  const clock = new ManualClock();
  const turns = new LiveTurns(clock, bounds);
  const triedMs: number[] = [];
  const isTaken = new Set<string>();
  const owing = (id: string): LiveTurn =>
    turn(logOf(1), () => {
      triedMs.push(clock.nowMs());
      if (isTaken.has(id)) turns.settle(id, true);
      return Promise.resolve();
    });
  for (const id of ["a", "b"]) {
    turns.add(id, owing(id));
    turns.settle(id, false);
  }
  // No room for more of them; but they do not count as running.
  expect(() => turns.requireKept()).toThrow(
    expect.objectContaining({ code: "storage_unavailable" }),
  );
  turns.requireRoom();
  // One that is refused for its own sake does not hold up the other.
  isTaken.add("b");
  for (let second = 0; second < 10; second++) {
    clock.advance(1000);
    await nextTurn();
  }
  expect(turns.get("b")).toBeNull();
  expect(triedMs).toEqual([1000, 3000, 3000, 7000]);
  isTaken.add("a");
  clock.advance(60_000);
  await nextTurn();
  expect(turns.get("a")).toBeNull();
  turns.checkIntegrity();
  turns.close();
  expect(clock.timers).toBe(0);
});
