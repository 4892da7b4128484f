// What a worker has to do now, in seconds of its device: what this router sent there, known to the
// token, and what its last report shows beyond that. A report alone is too old: all requests of a
// burst would see the same idle worker.

import type { LatencyCoefficients } from "@loci/core";
import type { RoutedWorker } from "../members/routed-worker.ts";
import { decodeStepSeconds } from "./work-seconds.ts";

/**
 * Progress within prompts is not seen before their first token, and comes in steps: of the time
 * since something was heard of it, half is taken for progress.
 */
const progressShare = 0.5;
/** Seconds of a step that computes prompts while nobody decodes; engines aim at such steps. */
const promptStepSeconds = 0.5;

/** Made once and measured anew for each worker: a decision asks for that of all. */
export class PresentWork {
  /** Requests that wait for their first token. */
  pendingRequests = 0;
  /** Seconds of prompts that are not computed. */
  pendingSeconds = 0;
  /** Sequences that decode. */
  decoding = 0;
  /** Seconds of a step in which nobody's prompt is computed. */
  stepSeconds = 0;
  /** Prompts take so many times longer than alone, for those who decode meanwhile. */
  stretch = 1;
  /** Seconds until there is a place for one more sequence. */
  placeSeconds = 0;
  /** Blocks that all are expected to hold in the end. */
  peakBlocks = 0;

  /** Of this worker, at its prices; returns itself. */
  measure(worker: RoutedWorker, price: LatencyCoefficients, nowMs: number): this {
    const { present, slot } = worker;
    const decoding = at(present.decoding, slot);
    const stepSeconds = decodeStepSeconds(price, decoding, at(present.contextTokens, slot));
    this.pendingRequests = at(present.pendingRequests, slot);
    this.pendingSeconds = pendingSeconds(worker, price, nowMs);
    this.decoding = decoding;
    this.stepSeconds = stepSeconds;
    this.stretch = decoding === 0 ? 1 : stretchOf(stepSeconds);
    this.placeSeconds = placeSteps(worker) * stepSeconds;
    this.peakBlocks = at(present.peakBlocks, slot);
    return this;
  }
}

function pendingSeconds(
  { present, slot }: RoutedWorker,
  price: LatencyCoefficients,
  nowMs: number,
): number {
  const attended = at(present.pendingAttended, slot) * price.secondsPerAttended;
  const all = at(present.pendingTokens, slot) * price.secondsPerToken + attended;
  const sinceSeconds = Math.max(0, nowMs - at(present.prefillSeenAtMs, slot)) / 1000;
  return Math.max(0, all - progressShare * sinceSeconds);
}

/**
 * A step that mixes prompts with decoding is made several times as long as one that only decodes
 * (see the engine's `stepTargetSeconds`); the rest of it computes prompts.
 */
function stretchOf(stepSeconds: number): number {
  const usual = Math.min(0.3, Math.max(0.05, 8 * stepSeconds));
  const target = Math.min(promptStepSeconds, Math.max(2 * stepSeconds, usual));
  return Math.min(2, 1 / (1 - Math.min(0.5, stepSeconds / target)));
}

/** Steps until a sequence that runs has ended, where all places are taken. */
function placeSteps({ present, slot, facts }: RoutedWorker): number {
  const requests = at(present.requests, slot);
  const decoding = at(present.decoding, slot);
  const waiting = requests + 1 - facts.sequencesMax;
  if (waiting <= 0 || decoding === 0) return 0;
  const tokensLeft = at(present.answerTokens, slot) / Math.max(1, requests);
  return (waiting / decoding) * tokensLeft;
}

function at(column: Float64Array, slot: number): number {
  return column[slot] ?? 0;
}
