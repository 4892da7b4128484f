// What a policy sees for a decision, made from real parts: workers, a directory of blocks, requests.

import { blockNames, Random } from "@loci/core";
import { PromptHits } from "../choice/prompt-hits.ts";
import { BlockDirectory } from "../directory/block-directory.ts";
import { PresentColumns } from "../members/present-columns.ts";
import { RoutedWorker } from "../members/routed-worker.ts";
import { WorkerBlocks } from "../members/worker-blocks.ts";
import type { RouteRequest } from "../placement.ts";
import type { PlacementView } from "../policy/placement-policy.ts";
import { openRequest } from "../requests/live-request.ts";
import { countTokens, routeRequest, workerFacts, workerLoad } from "./router-fixtures.ts";

const workersMax = 16;

/** A cluster at rest, in which each worker has reported once. */
export class PlacementBench {
  readonly directory: BlockDirectory = new BlockDirectory({ blocksMax: 4096, workersMax });
  readonly workers: RoutedWorker[];
  #requests = 0;

  constructor(workers: number) {
    const present = new PresentColumns(workersMax);
    this.workers = Array.from({ length: workers }, (_, slot) => {
      const facts = workerFacts(String.fromCodePoint(97 + slot));
      const worker = new RoutedWorker(facts, { slot, present }, 0, null);
      worker.health = "alive";
      worker.blocks = new WorkerBlocks(this.directory, slot, null);
      worker.reported(workerLoad(), 0);
      return worker;
    });
  }

  /** The worker holds the first `blocks` blocks of the prompt in its device memory. */
  hold(slot: number, promptTokens: Int32Array, blocks: number): void {
    const names = blockNames("tenant", promptTokens, 16).subarray(0, blocks);
    this.directory.apply(slot, { type: "stored", tier: "device", blocks: [...names] });
  }

  view(request: Partial<RouteRequest> = {}, nowMs = 0): PlacementView {
    const all = routeRequest(String(this.#requests++), request);
    const live = openRequest(all, { forecast: null, answerTokens: 32 }, nowMs);
    const hits = new PromptHits(this.directory, workersMax);
    const tokens = all.promptTokens;
    hits.lookUp(all.tenant, tokens, this.workers);
    const scores = new Float64Array(workersMax);
    return { live, tokens, hits, nowMs, workers: this.workers, scores };
  }
}

/** Requests of all kinds, in turn, to workers that hold some of their prompts. */
export function randomViews(seed: number, count: number): PlacementView[] {
  const random = new Random(seed);
  const bench = new PlacementBench(random.integer(1, 6));
  let nowMs = 0;
  return Array.from({ length: count }, () => {
    nowMs += random.integer(0, 50);
    const promptTokens = countTokens(random.integer(1, 400), random.integer(1, 4));
    const slot = random.integer(0, bench.workers.length - 1);
    bench.hold(slot, promptTokens, random.integer(0, 25));
    const sessionKey = `session ${random.integer(1, 3)}`;
    return bench.view({ promptTokens, sessionKey }, nowMs);
  });
}
