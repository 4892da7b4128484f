// Chat turns of a server without a store: in memory, bounded in turns and in tokens, the least
// recently used go first. They end with the process.

import { assert, defined } from "@loci/core";
import type { ChatTurn, ChatTurnStore } from "@loci/store";

export interface ChatTurnBounds {
  /** All tenants together. */
  readonly turnsMax: number;
  readonly tokensMax: number;
}

const defaultBounds: ChatTurnBounds = { turnsMax: 4096, tokensMax: 8 * 1024 * 1024 };

export class MemoryChatTurns implements ChatTurnStore {
  readonly #bounds: ChatTurnBounds;
  /** Least recently used first. */
  readonly #turns = new Map<string, ChatTurn>();
  #tokens = 0;

  constructor(bounds: ChatTurnBounds = defaultBounds) {
    this.#bounds = bounds;
  }

  remember(tenant: string, turn: ChatTurn): Promise<void> {
    const place = placeOf(tenant, turn.key);
    this.#drop(place);
    this.#turns.set(place, turn);
    this.#tokens += tokensOf(turn);
    while (this.#turns.size > this.#bounds.turnsMax || this.#tokens > this.#bounds.tokensMax) {
      const [oldest] = this.#turns.keys();
      this.#drop(defined(oldest));
    }
    return Promise.resolve();
  }

  find(tenant: string, keys: readonly string[]): Promise<ChatTurn | null> {
    for (const key of keys) {
      const place = placeOf(tenant, key);
      const turn = this.#turns.get(place);
      if (turn === undefined) continue;
      this.#turns.delete(place);
      this.#turns.set(place, turn);
      return Promise.resolve(turn);
    }
    return Promise.resolve(null);
  }

  forget(tenant: string, keys: readonly string[]): Promise<number> {
    const places = keys.map((key) => placeOf(tenant, key));
    return Promise.resolve(places.filter((place) => this.#drop(place)).length);
  }

  checkIntegrity(): void {
    const tokens = [...this.#turns.values()].reduce((sum, turn) => sum + tokensOf(turn), 0);
    assert(tokens === this.#tokens, "the tokens are counted right");
    assert(this.#turns.size <= this.#bounds.turnsMax, "turns are bounded");
    assert(this.#tokens <= this.#bounds.tokensMax, "tokens are bounded");
  }

  #drop(place: string): boolean {
    const turn = this.#turns.get(place);
    if (turn === undefined) return false;
    this.#tokens -= tokensOf(turn);
    return this.#turns.delete(place);
  }
}

function placeOf(tenant: string, key: string): string {
  return `${tenant}\n${key}`;
}

function tokensOf({ tokens }: ChatTurn): number {
  return tokens.promptTokens.length + tokens.answerTokens.length;
}
