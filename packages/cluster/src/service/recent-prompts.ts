// What was asked of which worker lately: the tokens whose blocks it is worth taking along when that
// worker ends. Bounded in entries and tokens; the oldest go. A conversation counts once, as it was
// last.

import { assert } from "@loci/core";

export interface RecentPrompt {
  readonly tenant: string;
  /** Prompt and answer. */
  readonly tokens: Int32Array;
  readonly workerId: string;
}

export interface RecentPromptsBounds {
  readonly promptsMax: number;
  readonly tokensMax: number;
}

export const recentPromptsDefaults: RecentPromptsBounds = {
  promptsMax: 4096,
  tokensMax: 4 * 1024 * 1024,
};

export class RecentPrompts {
  readonly #bounds: RecentPromptsBounds;
  /** Oldest first. */
  readonly #byName = new Map<string, RecentPrompt>();
  #tokens = 0;

  constructor(bounds: RecentPromptsBounds = recentPromptsDefaults) {
    this.#bounds = bounds;
  }

  /** `name`: of the conversation, or of the request where there is none. */
  note(name: string, prompt: RecentPrompt): void {
    this.#forget(name);
    if (prompt.tokens.length > this.#bounds.tokensMax) return;
    this.#byName.set(name, prompt);
    this.#tokens += prompt.tokens.length;
    for (const oldest of this.#byName.keys()) {
      const { promptsMax, tokensMax } = this.#bounds;
      if (this.#byName.size <= promptsMax && this.#tokens <= tokensMax) return;
      this.#forget(oldest);
    }
  }

  /** What the worker was asked, latest first; it is forgotten here. */
  take(workerId: string): readonly RecentPrompt[] {
    const taken: RecentPrompt[] = [];
    for (const [name, prompt] of this.#byName) {
      if (prompt.workerId !== workerId) continue;
      taken.push(prompt);
      this.#forget(name);
    }
    return taken.toReversed();
  }

  /** All of a tenant's was deleted, or these tokens: with them all that is one's beginning. */
  erase(tenant: string, deleted: Int32Array | null): void {
    for (const [name, prompt] of this.#byName) {
      const isMeant = deleted === null || isSameWhereBothAre(prompt.tokens, deleted);
      if (prompt.tenant === tenant && isMeant) this.#forget(name);
    }
  }

  checkIntegrity(): void {
    let tokens = 0;
    for (const prompt of this.#byName.values()) tokens += prompt.tokens.length;
    assert(tokens === this.#tokens, "tokens are counted");
    assert(tokens <= this.#bounds.tokensMax, "tokens are bounded");
    assert(this.#byName.size <= this.#bounds.promptsMax, "prompts are bounded");
  }

  #forget(name: string): void {
    const known = this.#byName.get(name);
    if (known === undefined) return;
    this.#byName.delete(name);
    this.#tokens -= known.tokens.length;
  }
}

function isSameWhereBothAre(left: Int32Array, right: Int32Array): boolean {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) if (left[index] !== right[index]) return false;
  return true;
}
