// The engine and a runner, without HTTP: keeps a few requests running until all are answered. Their
// lengths become known in the order in which answers end, as in a server.

import { defined, type Clock, type GenerationRequest } from "@loci/core";
import { Engine, type EngineOptions, type Runner, type TokenText } from "@loci/engine";
import type { LengthPredictor } from "@loci/predict";

export interface AnsweringParts {
  readonly runner: Runner;
  readonly tokenText: TokenText;
  readonly lengths: LengthPredictor;
  readonly clock: Clock;
  readonly requestsRunning: number;
  readonly options?: Partial<EngineOptions>;
  /** Called after each answer with how many there are. */
  readonly onAnswered: (answered: number) => void;
}

/** Answers all; throws what a request failed with. */
export async function answerRequests(
  requests: readonly GenerationRequest[],
  parts: AnsweringParts,
): Promise<void> {
  const { runner, clock } = parts;
  const engine = new Engine({
    limits: runner.limits,
    tokenText: parts.tokenText,
    lengths: parts.lengths,
    ...(parts.options && { options: parts.options }),
  });
  let answered = 0;
  let submitted = 0;
  while (answered < requests.length) {
    while (submitted < requests.length && submitted - answered < parts.requestsRunning) {
      engine.submit(defined(requests[submitted++]), clock.nowMs());
    }
    const batch = engine.schedule(clock.nowMs());
    if (batch !== null) engine.commit(await runner.execute(batch), clock.nowMs());
    for (const event of engine.takeEvents()) {
      if ("error" in event) throw event.error;
      if (event.event.type !== "finished") continue;
      runner.release(event.requestId);
      parts.onAnswered(++answered);
    }
  }
}
