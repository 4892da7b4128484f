// Two engines with all that goes on in an engine, and blocks that are carried between them meanwhile:
// read late, written late, given up on the way. What finishes must equal the lonely run, and every
// block has its holders, no others.

import { assert, defined, Random } from "@loci/core";
import { expect, it } from "vitest";
import type { HashBlock } from "../testing/hash-runner.ts";
import { finish, makeTieredWorld, turn } from "../testing/tiered-world.ts";
import type { TieredWorld } from "../testing/tiered-world.ts";
import { checkOutcomes } from "../testing/trace-world.ts";
import type { LentBlocks, ReservedBlock } from "./kv-exchange.ts";

interface Reading {
  readonly world: TieredWorld;
  readonly tenant: string;
  readonly tokens: Int32Array;
  readonly blockStart: number;
  readonly lent: LentBlocks;
}

interface Contents {
  readonly tenant: string;
  readonly tokens: Int32Array;
  readonly index: number;
  readonly contents: HashBlock;
}

interface Writing extends Contents {
  readonly world: TieredWorld;
  readonly reserved: ReservedBlock;
}

class Carrier {
  readonly #random: Random;
  readonly #worlds: readonly TieredWorld[];
  readonly #reading: Reading[] = [];
  readonly #read: Contents[] = [];
  readonly #writing: Writing[] = [];
  carried = 0;
  fromHost = 0;

  constructor(random: Random, worlds: readonly TieredWorld[]) {
    this.#random = random;
    this.#worlds = worlds;
  }

  turn(): void {
    const act = this.#random.integer(0, 3);
    if (act === 0) this.#lend();
    else if (act === 1) this.#take();
    else this.#endSome();
  }

  finish(): void {
    while (this.#reading.length + this.#writing.length > 0) this.#endSome();
  }

  #lend(): void {
    const world = this.#anyWorld();
    if (world.prompts.length === 0 || this.#reading.length > 3) return;
    const tokens = Int32Array.from(this.#any(world.prompts));
    const tenant = `tenant ${this.#random.integer(0, 1)}`;
    const blockStart = this.#random.integer(0, 2);
    const host = this.#random.integer(0, 1) === 0;
    const range = { blockStart, blockEnd: blockStart + this.#random.integer(1, 4), host };
    const lent = world.engine.exchange.lend(tenant, tokens, range);
    if (lent !== null) this.#reading.push({ world, tenant, tokens, blockStart, lent });
  }

  #take(): void {
    const world = this.#anyWorld();
    const known = this.#read.pop();
    if (known === undefined) return;
    const { tenant, tokens, index } = known;
    const reserved = world.engine.exchange.reserve(tenant, tokens, index);
    if (reserved === null || reserved === "held") return;
    // Half of it is there.
    const halfway = { ...known.contents, contexts: known.contents.contexts.map(() => 0) };
    world.runner.writeBlock(reserved.block, halfway);
    this.#writing.push({ ...known, world, reserved });
  }

  #endSome(): void {
    const reading = this.#reading.shift();
    if (reading !== undefined) {
      const { world, lent, tenant, tokens, blockStart } = reading;
      for (const [place, source] of lent.sources.entries()) {
        if (source.tier === "host") this.fromHost++;
        const contents =
          source.tier === "device"
            ? world.runner.readBlock(source.block)
            : defined(world.mover.readHost(source.slot, source.identity), "the slot is lent");
        this.#read.push({ tenant, tokens, index: blockStart + place, contents });
      }
      world.engine.exchange.end(lent.id);
    }
    const writing = this.#writing.shift();
    if (writing === undefined) return;
    const { world, reserved, contents } = writing;
    if (this.#random.integer(0, 3) === 0) {
      world.engine.exchange.end(reserved.id);
      return;
    }
    world.runner.writeBlock(reserved.block, contents);
    world.engine.exchange.publish(reserved);
    this.carried++;
  }

  #anyWorld(): TieredWorld {
    return this.#any(this.#worlds);
  }

  #any<T>(list: readonly T[]): T {
    return defined(list[this.#random.integer(0, list.length - 1)]);
  }
}

it("carries blocks between two engines beside everything else", () => {
  let [carried, compared, fromHost] = [0, 0, 0];
  for (let seed = 0; seed < 12; seed++) {
    const random = new Random(seed);
    const failChance = seed % 3 === 0 ? 0.1 : 0;
    const runner = { blockTokens: random.integer(1, 4), vocabularySize: 300 };
    const one = makeTieredWorld(seed, failChance, runner);
    const other = Object.assign(makeTieredWorld(seed + 1000, failChance, runner), {
      prompts: one.prompts,
    });
    const carrier = new Carrier(random, [one, other]);
    for (let step = 0; step < 80; step++) {
      for (const world of [one, other]) turn(world, step * 10, failChance / 2);
      for (let times = 0; times < 8; times++) carrier.turn();
      if (step % 8 === 0) for (const { engine } of [one, other]) engine.checkIntegrity();
    }
    carrier.finish();
    for (const world of [one, other]) {
      finish(world, 1000);
      compared += checkOutcomes(world).compared;
      assert(world.mover.foreign === 0, "slots hold what they should");
    }
    carried += carrier.carried;
    fromHost += carrier.fromHost;
  }
  expect(carried).toBeGreaterThan(90);
  expect(fromHost).toBeGreaterThan(10);
  expect(compared).toBeGreaterThan(200);
});
