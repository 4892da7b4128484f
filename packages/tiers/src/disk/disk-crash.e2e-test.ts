// kill -9 while blocks are stored: what was acknowledged is there, what was not is whole or absent.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Random, assert, defined } from "@loci/core";
import { expect, test } from "vitest";
import { TierRig, type TransferMode, identityOf } from "../testing/tier-rig.ts";

const script = fileURLToPath(new URL("../testing/store-forever.ts", import.meta.url));
const rounds = Number(process.env["LOCI_CRASH_ROUNDS"] ?? 15);
const layerBytes = 16_384;

/** What each slot may hold after the kill: the block acknowledged last, or one begun since. */
class Expectation {
  readonly #stored = new Map<number, number>();
  readonly #begun = new Map<number, number>();
  seedLast = 0;

  read(line: string): void {
    const [word, slotText, seedText] = line.split(" ");
    const slot = Number(slotText);
    const seed = Number(seedText);
    if (word === "begin") {
      this.#begun.set(slot, seed);
      this.seedLast = seed;
    } else {
      assert(word === "done", `stored: ${line}`);
      this.#begun.delete(slot);
      this.#stored.set(slot, seed);
    }
  }

  get slots(): number[] {
    return [...new Set([...this.#stored.keys(), ...this.#begun.keys()])];
  }

  /** Seeds a slot may hold, and whether it must hold one. */
  of(slot: number): { seeds: number[]; isSure: boolean } {
    const seeds = [this.#stored.get(slot), this.#begun.get(slot)].filter(
      (seed) => seed !== undefined,
    );
    return { seeds, isSure: !this.#begun.has(slot) };
  }

  /** After the kill, what is there is what counts. */
  settle(found: ReadonlyMap<number, number>): void {
    this.#begun.clear();
    this.#stored.clear();
    for (const [slot, seed] of found) this.#stored.set(slot, seed);
  }
}

/** Runs the storing process until it has said `lines` lines, and kills it. */
async function runAndKill(
  args: readonly string[],
  lines: number,
  expected: Expectation,
): Promise<void> {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    expected.read(line);
    if (++count === lines) child.kill("SIGKILL");
  }
  expect(await ended).toBe("SIGKILL");
}

/** Seeds found by slot, each read back and compared. */
async function readBack(rig: TierRig, seedLast: number): Promise<Map<number, number>> {
  const seeds = new Map<string, number>();
  for (let seed = 0; seed <= seedLast; seed++) seeds.set(identityOf(seed).key, seed);
  const tier = rig.diskTier({ bytesMax: 4 * 1024 ** 2 });
  const found = new Map<number, number>();
  for await (const batch of tier.recover()) {
    for (const { slot, identity } of batch) {
      const seed = defined(seeds.get(identity.key), "a block that was begun");
      const [result] = await tier.read([{ slot, identity, target: rig.address(1) }], null);
      // A torn payload under an old header is no more than a miss.
      if (result !== "moved") continue;
      expect(rig.holds(1, seed)).toBe(true);
      found.set(slot, seed);
    }
  }
  await tier.close();
  return found;
}

test.each(["auto", "portable"] satisfies TransferMode[])(
  "every stored block survives a kill at any moment, and none is half there (%s)",
  async (mode) => {
    using rig = new TierRig({ mode, layerBytes });
    const random = new Random(31);
    const expected = new Expectation();
    for (let round = 0; round < rounds; round++) {
      const args = [rig.folder, mode, String(expected.seedLast + 1)];
      await runAndKill(args, random.integer(1, 300), expected);
      const found = await readBack(rig, expected.seedLast);
      for (const slot of expected.slots) {
        const { seeds, isSure } = expected.of(slot);
        const seed = found.get(slot);
        expect([...seeds, ...(isSure ? [] : [undefined])], `slot ${slot}`).toContain(seed);
      }
      expect([...found.keys()].filter((slot) => !expected.slots.includes(slot))).toEqual([]);
      expected.settle(found);
    }
  },
);
