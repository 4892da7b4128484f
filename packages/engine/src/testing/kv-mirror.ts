// A router's view of one engine's blocks, as simple as can be: a set of names for each memory, changed
// by the engine's events and by nothing else.

import { assert, blockNames, kvTierNames } from "@loci/core";
import type { BlockName, KvEvent, KvSnapshot, KvTierName } from "@loci/core";
import type { Engine } from "../engine.ts";

/** Not after each of many thousand steps. */
const compareEvery = 5;

export class KvMirror {
  readonly #held: Readonly<Record<KvTierName, Set<BlockName>>> = {
    device: new Set(),
    host: new Set(),
    disk: new Set(),
  };

  #followed = 0;

  apply(events: readonly KvEvent[]): void {
    for (const event of events) {
      if (event.type === "cleared") for (const tier of kvTierNames) this.#held[tier].clear();
      else {
        const names = this.#held[event.tier];
        for (const name of event.blocks) {
          if (event.type === "stored") names.add(name);
          else assert(names.delete(name), "what is removed was held");
        }
      }
    }
  }

  /** Takes the engine's events; afterwards the mirror is what the engine says that it holds. */
  follow(engine: Engine): void {
    this.apply(engine.takeKvEvents());
    this.#followed++;
    if (this.#followed % compareEvery === 0) this.assertEquals(engine.heldBlocks());
  }

  assertEquals(held: KvSnapshot["held"]): void {
    for (const { tier, blocks } of held) {
      assert(blocks.length === this.#held[tier].size, "as many blocks are held as were told");
      for (const name of blocks) assert(this.#held[tier].has(name), "what is held was told");
    }
  }

  /** For an idle engine: the prompt's blocks lie where their names say. */
  assertMatches(engine: Engine, tenant: string, prompt: readonly number[]): void {
    const { kvBlockTokens } = engine.snapshot();
    const tokens = Int32Array.from(prompt);
    const { knownTokens, byTier } = engine.cache.matchPrompt(tenant, tokens);
    const full = Math.floor(knownTokens / kvBlockTokens);
    const left = { ...byTier };
    for (const name of blockNames(tenant, tokens, kvBlockTokens).subarray(0, full)) {
      const place = kvTierNames.find((tier) => this.#held[tier].has(name)) ?? "missing";
      left[place] -= kvBlockTokens;
    }
    // What is left is the beginning of one block more, in one memory.
    const rest = knownTokens - full * kvBlockTokens;
    const places = Object.values(left).filter((count) => count !== 0);
    const isOne = rest === 0 ? places.length === 0 : places.length === 1 && places[0] === rest;
    assert(isOne, "the prompt's blocks lie where their names say");
  }
}
