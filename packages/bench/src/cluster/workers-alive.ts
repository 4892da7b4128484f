// Waiting until a router has all of its workers, and waking them: the first requests of a process
// find cold code and a latency model that knows nothing.

import { LociError, sleep, type Clock } from "@loci/core";
import { readMetrics } from "../load/read-metrics.ts";
import { complete, type StreamTarget } from "../load/stream-client.ts";
import { RandomTokens, type TokenIds } from "../tiered/random-tokens.ts";

const pollMs = 20;
const waitMsMax = 120_000;
const wakeMsMax = 60_000;

/** Resolves when `workers` are alive and `holds()`. Throws LociError unavailable after two minutes. */
export async function waitForWorkers(
  baseUrl: string,
  workers: number,
  clock: Clock,
  holds: () => boolean = () => true,
): Promise<void> {
  const giveUpMs = clock.nowMs() + waitMsMax;
  while (clock.nowMs() < giveUpMs) {
    const alive = (await readMetrics(baseUrl)).get("loci_workers{health=alive}");
    if (alive === workers && holds()) return;
    await sleep(clock, pollMs);
  }
  throw new LociError("unavailable", `There were not ${workers} workers in time.`);
}

/** Prompt lengths and answer of the requests that wake; each worker gets some of them. */
const wakingPrompts = [32, 64, 128, 256];
const wakingAnswer = 8;

/** Asks for so much at the same time that every worker has some of it. */
export async function wakeWorkers(
  target: StreamTarget,
  model: string,
  { workers, tokenIds }: { readonly workers: number; readonly tokenIds: TokenIds },
): Promise<void> {
  await waitForWorkers(target.baseUrl, workers, target.clock);
  const tokens = new RandomTokens(tokenIds, 1_000_003);
  for (const length of wakingPrompts) {
    const prompts = Array.from({ length: 2 * workers }, () => tokens.draw(length));
    await Promise.all(
      prompts.map((promptTokens) =>
        complete(
          target,
          { model, promptTokens, answerTokens: wakingAnswer },
          AbortSignal.timeout(wakeMsMax),
        ),
      ),
    );
  }
}
