import { defined, type LatencyCoefficients } from "@loci/core";
import type { CostTerms } from "../placement.ts";
import type { RoutedWorker } from "../members/routed-worker.ts";
import { ArrivalRates } from "../price/arrival-rates.ts";
import { presentWork } from "../price/present-work.ts";
import { decodeStepSeconds, joinSeconds, promptSeconds } from "../price/work-seconds.ts";
import { workerPrices } from "../price/worker-prices.ts";
import type { PlacementPolicy, PlacementView } from "./placement-policy.ts";

const W: any = (globalThis as any).__w ?? {};
const w = (k: string, d: number): number => W[k] ?? d;

export class Seconds implements PlacementPolicy {
  readonly name = "seconds";
  readonly tieWidth = w("tie", 0.0005);
  readonly #rates = new ArrivalRates();
  readonly #terms: CostTerms[] = [];
  readonly #prompt: number[] = [];

  score(view: PlacementView): void {
    const { workers, scores, nowMs } = view;
    const arrivals = this.#rates.requestsPerSecond(nowMs) / workers.length;
    const busy = Math.min(0.95, this.#rates.promptLoad(nowMs) / workers.length);
    const prices = workerPrices(workers);
    for (const [index, worker] of workers.entries()) {
      const price = defined(prices[index]);
      const terms = this.#termsOf(view, worker, { arrivals, busy, index, price });
      this.#terms[index] = terms;
      scores[index] =
        terms.queue +
        terms.prefill +
        terms.slowdown +
        terms.eviction +
        terms.memory +
        terms.move -
        terms.replica;
    }
  }

  terms(index: number): CostTerms {
    return defined(this.#terms[index]);
  }

  placed({ live, nowMs, workers }: PlacementView): void {
    const index = workers.indexOf(defined(live.worker));
    this.#rates.arrived(this.#prompt[index] ?? 0, nowMs);
  }

  #termsOf(
    view: PlacementView,
    worker: RoutedWorker,
    rates: { arrivals: number; busy: number; index: number; price: LatencyCoefficients },
  ): CostTerms {
    const { live, tokens, hits, nowMs } = view;
    const { price } = rates;
    const work = presentWork(worker, price, nowMs);
    const alone = decodeStepSeconds(price, work.decoding, work.contextTokens);
    const target =
      work.decoding === 0 ? 0.5 : Math.max(2 * alone, Math.min(0.3, Math.max(0.05, 8 * alone)));
    const stretch = work.decoding === 0 ? 1 : 1 / (1 - alone / target);
    const missed = hits.missedTokens(worker);
    const prompt = (promptSeconds(price, missed, tokens.length) + price.secondsPerStep) * stretch;
    this.#prompt[rates.index] = prompt;
    const backlog = work.pendingSeconds * stretch + w("half", 0.5) * alone;
    const later = (rates.arrivals / (1 - rates.busy)) * prompt * (backlog + prompt / 2);
    const answer = live.expectedTokens;
    const join = joinSeconds(price, tokens.length + answer / 2);
    const decode = answer * (alone + join);
    const others = answer * join * work.decoding + prompt * work.decoding;
    const blocks = Math.ceil((missed + answer) / worker.facts.blockTokens);
    const free =
      worker.load === null ? 0 : Math.max(0, worker.load.kvBlocksFree - worker.load.kvBlocksCached);
    const eviction =
      Math.max(0, blocks - Math.max(0, free)) * (worker.load?.evictionSecondsPerBlock ?? 0);
    const total = worker.facts.kvBlocksTotal;
    const k = Math.min(0.98, (work.peakBlocks + blocks) / total);
    return {
      queue: backlog,
      prefill: prompt,
      slowdown: w("later", 1) * later + w("decode", 1) * decode + w("others", 1) * others,
      eviction: w("evict", 1) * eviction,
      memory: (w("lambda", 0.15) * k) / (1 - k),
      replica: 0,
      move: 0,
    };
  }
}
