import { viewLimits } from "@loci/core";
import type { RequestView } from "@loci/core";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { anyView } from "../testing/views.ts";
import { addViews } from "./add-views.ts";
import type { WorkerView } from "./add-views.ts";
import { requestIdOf } from "./request-ids.ts";

const workerViews = fc
  .array(fc.tuple(anyView, fc.double({ min: 0, max: 5, noNaN: true })), { maxLength: 12 })
  .map((views): WorkerView[] =>
    views.map(([view, agoSeconds], index) => ({ workerId: `w${index}`, view, agoSeconds })),
  );

function ascends(values: readonly number[]): boolean {
  return values.every((value, index) => index === 0 || value >= (values[index - 1] ?? 0));
}

it("keeps every bound and loses nothing that it does not count", () => {
  fc.assert(
    fc.property(workerViews, (workers) => {
      const all = addViews({ workers, requests: [], requestsLive: 0, places: [], blockTokens: 4 });
      const sum = (of: (worker: WorkerView) => number): number =>
        workers.reduce((total, worker) => total + of(worker), 0);
      expect(all.requests.length).toBeLessThanOrEqual(viewLimits.requestsMax);
      expect(all.sequences.length).toBeLessThanOrEqual(viewLimits.sequencesMax);
      expect(all.happenings.length).toBeLessThanOrEqual(viewLimits.happeningsMax);
      expect(all.requests.length + all.requestsOmitted).toBe(
        sum(({ view }) => view.requests.length + view.requestsOmitted),
      );
      expect(all.sequences.length + all.sequencesOmitted).toBe(
        sum(({ view }) => view.sequences.length + view.sequencesOmitted),
      );
      expect(all.places).toHaveLength(sum(({ view }) => view.places.length));
      expect(
        all.requests.every(({ worker, id }) => worker !== null && id === requestIdOf(id)),
      ).toBe(true);
      expect(ascends(all.requests.map(({ phase }) => Number(phase === "waiting")))).toBe(true);
      expect(ascends(all.sequences.map(({ inUse }) => Number(!inUse)))).toBe(true);
      expect(ascends(all.happenings.map(({ agoSeconds }) => -agoSeconds))).toBe(true);
    }),
    { seed: 7, numRuns: 100 },
  );
});

it("shows a request once: by its worker where that shows it, else as the router sees it", () => {
  const blank = {
    tenant: "t",
    session: null,
    ageSeconds: 9,
    promptTokens: 1,
    cachedTokens: 0,
    computedTokens: 0,
    generatedTokens: 0,
    maxTokens: 1,
    predicted: null,
    promisedTokens: null,
    blocksHeld: 0,
    rescues: 1,
  } as const;
  const own = (id: string, worker: string | null): RequestView => {
    const phase = worker === null ? "waiting" : "prefill";
    return { ...blank, id, worker, phase };
  };
  const empty = { places: [], forecasts: [], sequences: [], happenings: [], blockTokens: 4 };
  const view = {
    ...empty,
    requests: [
      { ...blank, id: "moved.1", worker: null, phase: "decode", blocksHeld: 7, ageSeconds: 1 },
      { ...blank, id: "gone.0", worker: null, phase: "decode" },
    ],
    requestsOmitted: 0,
    sequencesOmitted: 0,
  } as const;
  const all = addViews({
    workers: [{ workerId: "w0", view, agoSeconds: 0 }],
    requests: [own("waits", null), own("moved", "w0"), own("foreign", "w1"), own("gone", "w1")],
    requestsLive: 4,
    places: [],
    blockTokens: 4,
  });
  expect(all.requests.map(({ id, worker }) => `${id} ${worker}`)).toEqual([
    "moved w0",
    "foreign w1",
    "gone w1",
    "waits null",
  ]);
  expect(all.requests[0]).toMatchObject({ blocksHeld: 7, ageSeconds: 9, rescues: 2 });
  expect(all.requestsOmitted).toBe(0);
});
