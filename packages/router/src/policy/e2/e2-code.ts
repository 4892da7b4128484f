// Preble's scheduler as its published code has it (commit 8e7906a), where that differs from the paper:
//
// - exploit when less is new than is known at all, whether or not anybody still caches it;
// - candidates are those to whom the longest known part was assigned within the window;
// - only important runs count as load: those with more tokens than all before them together;
// - decoding counts for live requests only, each token with a whole step; the prompt's own missing part does not count;
// - what is explored has no preference for workers heavy in decoding (its server switches that off).

import { decodeStepSeconds, promptSeconds } from "../../price/work-seconds.ts";
import type { ForestNode } from "../../e2/radix-forest.ts";
import { E2Base, pathOf, type E2Decision, type E2Worker } from "./e2-base.ts";
import { LoadWindow } from "./load-window.ts";

const windowMs = 180_000;

export class E2Code extends E2Base {
  readonly name = "e2-code";
  /** By slot: seconds of important runs that requests missed, each shared among those who have it. */
  readonly #missed = new Map<number, LoadWindow>();

  protected override exploited({ match, names, workers }: E2Decision): readonly number[] | null {
    if (names.length - match.blocks >= match.blocks) return null;
    for (const node of pathOf(match)) {
      const assigned: number[] = [];
      for (const [index, { worker }] of workers.entries()) {
        if (node.requestsOn(worker.slot) > 0) assigned.push(index);
      }
      if (assigned.length > 0) return assigned;
    }
    return null;
  }

  protected override loadSeconds({ worker, price }: E2Worker): number {
    const { decoding, contextTokens, answerTokens } = worker.own;
    const sequences = Math.max(1, decoding);
    const step = decodeStepSeconds(price, sequences, contextTokens);
    const prefill = this.#missed.get(worker.slot)?.prefillSeconds ?? 0;
    return prefill + answerTokens * step;
  }

  protected override addedSeconds({ worker, price }: E2Worker, decision: E2Decision): number {
    const { blockTokens } = worker.facts;
    const used = new Set(pathOf(decision.match));
    let left = (decision.names.length - decision.match.blocks) * blockTokens;
    let seconds = 0;
    for (const node of this.forest.coldest(worker.slot)) {
      if (left <= 0) break;
      if (used.has(node)) continue;
      left -= node.names.length * blockTokens;
      if (isImportant(node)) seconds += node.requests * runSeconds(node, price, blockTokens);
    }
    return seconds;
  }

  protected override wantsPrompts(): null {
    return null;
  }

  override tick(nowMs: number): void {
    super.tick(nowMs);
    for (const window of this.#missed.values()) window.expire(nowMs);
  }

  override workerGone(worker: E2Worker["worker"]): void {
    this.#missed.delete(worker.slot);
    super.workerGone(worker);
  }

  protected override assigning({ match, names, view, workers }: E2Decision, one: E2Worker): void {
    const { blockTokens } = one.worker.facts;
    // What is not known yet becomes a run of its own.
    const fresh = names.length - match.blocks;
    if (fresh > match.blocks) {
      const seconds = promptSeconds(one.price, fresh * blockTokens, view.tokens.length);
      this.#missedOn(one.worker.slot).sent(seconds, view.nowMs);
    }
    for (const node of pathOf(match)) {
      if (!isImportant(node) || node.isCachedOn(one.worker.slot)) continue;
      const having = workers.filter(({ worker }) => node.requestsOn(worker.slot) > 0);
      const sharing = having.includes(one) ? having : [...having, one];
      const seconds = runSeconds(node, one.price, blockTokens) / sharing.length;
      for (const { worker } of sharing) this.#missedOn(worker.slot).sent(seconds, view.nowMs);
    }
  }

  #missedOn(slot: number): LoadWindow {
    let window = this.#missed.get(slot);
    if (window === undefined) {
      window = new LoadWindow(windowMs);
      this.#missed.set(slot, window);
    }
    return window;
  }
}

function isImportant(node: ForestNode): boolean {
  return node.names.length > node.blocksAbove;
}

function runSeconds(node: ForestNode, price: E2Worker["price"], blockTokens: number): number {
  const tokens = node.names.length * blockTokens;
  return promptSeconds(price, tokens, tokens + node.blocksAbove * blockTokens);
}
