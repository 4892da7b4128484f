// The observations against a list that is looked through from the start each time.

import { assert, AssertionError, Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { idleBucketOf } from "./idle-buckets.ts";
import { ReturnObservations } from "./return-observations.ts";
import type { ReturnObservation } from "./return-observations.ts";

describe("ReturnObservations", () => {
  it("teaches every bucket that a block outlives, then the one in which it returns", () => {
    const random = new Random(2);
    const lessons = new Map<number, string[]>();
    const observations = new ReturnObservations((features, bucket, returned) => {
      const own = lessons.get(features[0] ?? -1) ?? [];
      own.push(`${bucket}${returned ? "+" : "-"}`);
      lessons.set(features[0] ?? -1, own);
    }, 10_000);
    const waiting: { id: number; observation: ReturnObservation }[] = [];
    let nowMs = 0;
    for (let step = 0; step < 3000; step++) {
      nowMs += random.integer(0, 5) ** 4;
      observations.advance(nowMs);
      if (random.next() < 0.6) {
        const observation = observations.tryStart([step], nowMs);
        if (observation !== null) waiting.push({ id: step, observation });
      }
      if (random.next() < 0.4 && waiting.length > 0) {
        const [one] = waiting.splice(random.integer(0, waiting.length - 1), 1);
        if (one === undefined) throw new Error("there is one");
        observations.returned(one.observation, nowMs);
        const last = idleBucketOf(nowMs - one.observation.sinceMs);
        const outlived = Array.from({ length: last }, (_, bucket) => `${bucket}-`);
        const learned = (lessons.get(one.id) ?? []).join();
        assert(learned === [...outlived, `${last}+`].join(), "every bucket taught once");
      }
      if (step % 50 === 0) observations.checkIntegrity();
    }
    for (const { id, observation } of waiting) {
      const bucket = idleBucketOf(nowMs - observation.sinceMs);
      expect(lessons.get(id) ?? []).toEqual(
        Array.from({ length: bucket }, (_, each) => `${each}-`),
      );
    }
  });

  it("watches no more than it may, and goes on when some have gone", () => {
    const observations = new ReturnObservations(() => undefined, 16);
    const first = Array.from({ length: 20 }, () => observations.tryStart([0], 0));
    expect(first.filter((each) => each !== null)).toHaveLength(16);
    const [one] = first;
    if (!one) throw new Error("the first is watched");
    observations.returned(one, 10);
    expect(() => observations.returned(one, 10)).toThrow(AssertionError);
    observations.advance(5000);
    expect(observations.count).toBe(15);
    // Those that never return make room for others.
    observations.advance(1e9);
    expect(observations.count).toBe(2);
    observations.checkIntegrity();
  });
});
