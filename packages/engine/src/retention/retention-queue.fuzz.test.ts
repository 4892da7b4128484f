// Random adds, removals, uses and choices against sets and full sorts. Large queues are sampled:
// there, what is chosen has to be acceptable and, on average, near the bottom.

import { assert, defined, Random } from "@loci/core";
import { expect, test } from "vitest";
import { RetentionEntry } from "./retention-entry.ts";
import { RetentionQueue } from "./retention-queue.ts";
import type { RetentionPolicyName } from "./retention-queue.ts";
import { ReturnModel } from "./return-model.ts";

function lossSeconds(entry: RetentionEntry): number {
  return entry.tokens * (1 + entry.positionStart / 500);
}

class Fuzz {
  readonly random: Random;
  readonly returns = new ReturnModel({ observationsMax: 500 });
  readonly queue: RetentionQueue<RetentionEntry>;
  readonly inside = new Set<RetentionEntry>();
  readonly sequences: RetentionEntry[][] = [];
  readonly ranks: number[] = [];
  nowMs = 0;

  constructor(policy: RetentionPolicyName, seed: number) {
    this.random = new Random(seed);
    this.queue = new RetentionQueue({ policy, returns: this.returns, lossSeconds });
  }

  step(): void {
    const { random } = this;
    this.nowMs += random.integer(0, 3) * random.integer(0, 3000);
    const action = random.integer(0, 9);
    if (action < 4) this.use();
    else if (action < 6) this.choose(random.integer(1, 12));
    else this.change();
  }

  /** A request: new, or the continuation of an earlier one; its blocks rest afterwards. */
  use(): void {
    const earlier = this.sequences[this.random.integer(0, 3 * this.sequences.length)] ?? [];
    const kept = earlier.slice(0, this.random.integer(0, 30));
    const own = Array.from(
      { length: this.random.integer(1, 20) },
      (_, index) => new RetentionEntry((kept.length + index) * 16, this.random.integer(1, 16)),
    );
    const entries = [...kept, ...own];
    this.sequences.push(entries);
    this.returns.used(entries, this.nowMs, this.random.integer(0, 100));
    for (const entry of entries) {
      if (this.inside.has(entry)) continue;
      this.queue.add(entry, this.nowMs);
      this.inside.add(entry);
    }
  }

  change(): void {
    const sequence = this.sequences[this.random.integer(0, this.sequences.length)];
    const entry = sequence?.[this.random.integer(0, sequence.length - 1)];
    if (entry === undefined) return;
    entry.queuedUses = this.random.integer(0, 9) === 0 ? 1 : 0;
    entry.pinnedUntilMs = this.random.integer(0, 9) === 0 ? this.nowMs + 5000 : 0;
    if (this.inside.has(entry)) this.queue.update(entry);
  }

  choose(count: number): void {
    const odd = this.random.integer(0, 3) === 0;
    const accept = (entry: RetentionEntry): boolean => !odd || entry.tokens % 2 === 1;
    const mayGo = (entry: RetentionEntry): boolean =>
      entry.pinnedUntilMs <= this.nowMs && accept(entry);
    const value = (entry: RetentionEntry): number => this.queue.value(entry, this.nowMs);
    const acceptable = [...this.inside].filter(mayGo);
    const sorted = acceptable.map(value).toSorted((one, other) => one - other);
    const chosen = this.queue.lowest(count, this.nowMs, accept);
    assert(chosen.length === Math.min(count, acceptable.length), "as many as there are");
    assert(new Set(chosen).size === chosen.length, "each once");
    for (const entry of chosen) assert(this.inside.has(entry) && mayGo(entry), "none refused");
    const values = chosen.map(value);
    const isSorted = values.every((each, index) => each >= (values[index - 1] ?? 0));
    assert(isSorted, "cheapest first");
    const isLowest = values.every((each, index) => each === sorted[index]);
    if (this.inside.size <= 200) assert(isLowest, "few are ranked exactly");
    else for (const each of values) this.ranks.push(sorted.indexOf(each) / sorted.length);
    for (const entry of chosen) {
      if (this.random.integer(0, 2) === 0) continue;
      this.queue.remove(entry);
      this.inside.delete(entry);
    }
  }
}

test.each(["retention", "pensieve", "lru"] as const)("%s stays sound", (policy) => {
  const fuzz = new Fuzz(policy, 17);
  for (let step = 0; step < 1500; step++) {
    fuzz.step();
    expect(fuzz.queue.size).toBe(fuzz.inside.size);
    if (step % 100 === 0) {
      fuzz.queue.checkIntegrity();
      fuzz.returns.checkIntegrity();
    }
  }
  expect(fuzz.ranks.length).toBeGreaterThan(500);
  const mean = fuzz.ranks.reduce((sum, rank) => sum + rank, 0) / fuzz.ranks.length;
  expect(mean).toBeLessThan(policy === "lru" ? 0.02 : 0.06);
  expect(defined(fuzz.ranks.toSorted((one, other) => other - one)[0])).toBeLessThan(0.5);
});
