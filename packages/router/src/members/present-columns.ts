// What the workers have to do now, as numbers in columns, by slot: what this router sent there, what
// the last report shows beyond that (other routers' requests), and what those told of since.
//
// A decision looks at all workers. Objects that lie scattered over the heap would have to be fetched
// from memory one after the other, which takes longer than all that is computed from them.

import { assert, type WorkerLoad } from "@loci/core";
import type { OthersRequests } from "./others-requests.ts";
import type { OwnWork } from "./routed-worker.ts";

/** All that the columns of a worker follow from. */
export interface PresentSources {
  readonly load: WorkerLoad | null;
  readonly own: OwnWork;
  readonly ownAtReport: OwnWork;
  /** Requests that this router has there, now and when the last report came. */
  readonly requestCount: number;
  readonly requestsAtReport: number;
  readonly others: Pick<OthersRequests, "count" | "pendingTokens">;
}

const columnNames = [
  "requests",
  "pendingRequests",
  "pendingTokens",
  "pendingAttended",
  "decoding",
  "contextTokens",
  "answerTokens",
  "peakBlocks",
  "blocksFree",
  "evictionSecondsPerBlock",
  "hostSecondsPerBlock",
  "diskSecondsPerBlock",
] as const;

export class PresentColumns {
  /** Requests, and those of them that wait for their first token. */
  readonly requests: Float64Array;
  readonly pendingRequests: Float64Array;
  /** Prompt tokens to be computed; and for ours of them, tokens attended to. */
  readonly pendingTokens: Float64Array;
  readonly pendingAttended: Float64Array;
  /** Sequences that decode, tokens that they hold and tokens that are to come. */
  readonly decoding: Float64Array;
  readonly contextTokens: Float64Array;
  readonly answerTokens: Float64Array;
  /** Blocks that all are expected to hold in the end. */
  readonly peakBlocks: Float64Array;
  /** Blocks that hold nothing; Infinity before the first report. */
  readonly blocksFree: Float64Array;
  readonly evictionSecondsPerBlock: Float64Array;
  /** Seconds that bringing a block back takes, by memory. */
  readonly hostSecondsPerBlock: Float64Array;
  readonly diskSecondsPerBlock: Float64Array;
  /** Since when unfinished prompts are as far as is known; later ones it works on unseen. */
  readonly prefillSeenAtMs: Float64Array;

  constructor(workersMax: number) {
    const column = (): Float64Array => new Float64Array(workersMax);
    this.requests = column();
    this.pendingRequests = column();
    this.pendingTokens = column();
    this.pendingAttended = column();
    this.decoding = column();
    this.contextTokens = column();
    this.answerTokens = column();
    this.peakBlocks = column();
    this.blocksFree = column();
    this.evictionSecondsPerBlock = column();
    this.hostSecondsPerBlock = column();
    this.diskSecondsPerBlock = column();
    this.prefillSeenAtMs = column();
  }

  /** Something of the worker changed. */
  write(slot: number, sources: PresentSources): void {
    const { load, own, ownAtReport: before, requestCount, requestsAtReport, others } = sources;
    const known = requestCount + others.count;
    const pending = known - own.decoding;
    const pendingTokens = own.pendingTokens + others.pendingTokens;
    this.pendingAttended[slot] = own.pendingAttended;
    if (load === null) {
      this.requests[slot] = known;
      this.pendingRequests[slot] = pending;
      this.pendingTokens[slot] = pendingTokens;
      this.decoding[slot] = own.decoding;
      this.contextTokens[slot] = own.contextTokens;
      this.answerTokens[slot] = own.answerTokens;
      this.peakBlocks[slot] = own.newBlocks;
      this.blocksFree[slot] = Number.POSITIVE_INFINITY;
      this.evictionSecondsPerBlock[slot] = 0;
      this.hostSecondsPerBlock[slot] = 0;
      this.diskSecondsPerBlock[slot] = 0;
      return;
    }
    const reported = load.requestsRunning + load.requestsWaiting;
    const pendingBefore = requestsAtReport - before.decoding;
    const heldBefore = before.contextTokens + before.pendingTokens;
    const taken = Math.max(0, own.newBlocks - before.newBlocks);
    this.requests[slot] = known + over(reported, requestsAtReport);
    this.pendingRequests[slot] = pending + over(load.requestsWaiting, pendingBefore);
    this.pendingTokens[slot] =
      pendingTokens + over(load.prefillTokensPending, before.pendingTokens);
    this.decoding[slot] = own.decoding + over(load.requestsRunning, requestsAtReport);
    this.contextTokens[slot] = own.contextTokens + over(load.contextTokens, heldBefore);
    this.answerTokens[slot] =
      own.answerTokens + over(load.decodeTokensExpected, before.answerTokens);
    this.peakBlocks[slot] = Math.max(0, load.kvBlocksPeak + own.newBlocks - before.newBlocks);
    this.blocksFree[slot] = Math.max(0, load.kvBlocksFree - load.kvBlocksCached - taken);
    this.evictionSecondsPerBlock[slot] = load.evictionSecondsPerBlock;
    this.hostSecondsPerBlock[slot] = load.restoreSecondsPerBlock.host ?? 0;
    this.diskSecondsPerBlock[slot] = load.restoreSecondsPerBlock.disk ?? 0;
  }

  /** Checks that the columns of a worker follow from these. */
  checkIntegrity(slot: number, sources: PresentSources): void {
    const fresh = new PresentColumns(1);
    fresh.write(0, sources);
    for (const name of columnNames) {
      assert(
        Object.is(this[name][slot], fresh[name][0]),
        `the column of a worker's ${name} is up to date`,
      );
    }
  }
}

/** What a report shows beyond what is this router's own. */
function over(reported: number, own: number): number {
  return Math.max(0, reported - own);
}
