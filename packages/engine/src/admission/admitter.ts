// Starts waiting requests: the first in the chosen order that nobody has to compute something for
// first, as soon as there are a slot, memory for its prompt, and the admission policy's consent. As
// soon as one finds no room, nobody behind it overtakes, unless the policy lets smaller ones pass.

import { assert, defined } from "@loci/core";
import type { PrefixIndex } from "../kv/prefix-index.ts";
import type { SequenceBlocks } from "../kv/sequence-blocks.ts";
import { promptSources } from "../observation/prompt-sources.ts";
import { insertByArrival, sharesGap } from "../request-lists.ts";
import type { Deferral, EngineRequest } from "../request.ts";
import type { AdmissionPolicy, Candidate } from "./admission-policy.ts";

export interface AdmitterParts {
  readonly index: PrefixIndex;
  readonly policy: AdmissionPolicy;
  readonly sequencesMax: number;
  /** Both in order of arrival; the admitter moves requests from one to the other. */
  readonly waiting: EngineRequest[];
  readonly running: EngineRequest[];
}

export class Admitter {
  readonly #parts: AdmitterParts;
  /** Someone found no slot or memory in this step: nobody behind may overtake. */
  #isClosed = false;
  #nowMs = 0;

  constructor(parts: AdmitterParts) {
    this.#parts = parts;
  }

  /** A new step is planned. */
  beginPlan(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#isClosed = false;
    this.#parts.policy.beginPlan(this.#parts.running);
  }

  /** Nobody starts in this step: those who run lack memory. */
  close(): void {
    this.#isClosed = true;
  }

  /** The first of `arranged` that is not deferred, if it would find a slot and memory. */
  firstToStart(arranged: readonly EngineRequest[]): EngineRequest | null {
    const { running, sequencesMax, policy, index } = this.#parts;
    if (this.#isClosed || running.length >= sequencesMax) return null;
    const first = arranged.find((request) => !this.#mustWait(request));
    if (first === undefined || policy.passesBy) return first ?? null;
    const blocks = this.#tryAcquire(first);
    if (blocks === null) return null;
    index.close(blocks.sequence, null, this.#nowMs);
    return first;
  }

  /** Starts a waiting request if there is a slot, memory, and nobody to wait for. */
  tryAdmit(request: EngineRequest): boolean {
    const { index, policy, sequencesMax, running, waiting } = this.#parts;
    if (this.#isClosed || this.#mustWait(request)) return false;
    const acquired = running.length < sequencesMax ? this.#tryAcquire(request) : null;
    if (acquired === null) {
      this.#isClosed = !policy.passesBy || running.length >= sequencesMax;
      return false;
    }
    const { sequence, candidate } = acquired;
    const lacking = index.missingCount(sequence) * index.blockTokens;
    request.tokensMissing = request.tokensKnown - sequence.tokensHeld + lacking;
    request.deferral = this.#findDeferral(request, sequence);
    if (request.deferral !== null) {
      const { story } = request;
      if (story.phase === "waiting") story.remark("waited for a prompt that begins alike");
      index.close(sequence, null, this.#nowMs);
      return false;
    }
    const isAlone = running.length === 0 && waiting.length === 1;
    if (!index.fill(sequence, request.reusable, { isAlone })) {
      index.close(sequence, null, this.#nowMs);
      this.#isClosed = true;
      return false;
    }
    policy.admitted(candidate);
    if (request.firstTokenAtMs === null) {
      const { tiers, blockTokens } = index;
      const { promptLength } = request;
      request.story.sources = promptSources(sequence, promptLength, { tiers, blockTokens });
    }
    waiting.splice(waiting.indexOf(request), 1);
    insertByArrival(running, request);
    request.state = "running";
    request.blocks = sequence;
    request.tokensComputed = sequence.tokensHeld;
    return true;
  }

  /** The request's cached blocks, locked; null when it may not start now. */
  #tryAcquire(
    request: EngineRequest,
  ): { readonly sequence: SequenceBlocks; readonly candidate: Candidate } | null {
    const { index, policy, running } = this.#parts;
    const { tenant } = request.spec;
    const sequence = index.acquire(tenant, request.reusable);
    sequence.user = request;
    const blocksHeld = index.blocksFor(request.tokensKnown + 1);
    const missing = index.missingCount(sequence);
    const blocksNeeded = blocksHeld - sequence.blockCount + missing;
    const blocksOwned = index.ownedCount(sequence) - missing + blocksNeeded;
    const candidate = { request, blocksNeeded, blocksHeld, blocksOwned };
    // Who has nothing running gets on in any case; more of one tenant may not cost others' shares.
    const must = !running.some(({ spec }) => spec.tenant === tenant);
    const available = index.availableCount(tenant, must);
    const fits = blocksNeeded <= available;
    if (fits && (running.length === 0 || policy.admits(candidate, available)))
      return { sequence, candidate };
    index.close(sequence, null, this.#nowMs);
    return null;
  }

  /** True while another request computes what this one can share. */
  #mustWait(request: EngineRequest): boolean {
    if (request.deferral === null) return false;
    const { owner, tokens } = request.deferral;
    const isUnderWay =
      tokens === null ? (owner.blocks?.gaps.length ?? 0) > 0 : owner.frontier < tokens;
    if (owner.state === "running" && isUnderWay) return true;
    request.deferral = null;
    return false;
  }

  /** A running prompt that stands where the request's known prefix ends and goes on alike. */
  #findDeferral(request: EngineRequest, blocks: SequenceBlocks): Deferral | null {
    const { running, index } = this.#parts;
    const start = blocks.tokensHeld;
    const mine = request.reusable;
    for (const owner of running) {
      if (sharesGap(defined(owner.blocks), blocks)) return { owner, tokens: null };
      if (owner.tokensWanted === 0 || owner.blocks?.cursor !== blocks.cursor) continue;
      const theirs = owner.view(owner.tokensKnown);
      const end = Math.min(mine.end, theirs.end);
      let common = start;
      while (common < end && mine.tokens[common] === theirs.tokens[common]) common++;
      const shared = common - (common % index.blockTokens);
      if (shared > start) return { owner, tokens: shared };
    }
    return null;
  }

  checkIntegrity(): void {
    const { running, sequencesMax } = this.#parts;
    assert(running.length <= sequencesMax, "the batch keeps its limit");
  }
}
