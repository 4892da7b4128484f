// Workloads made from a seed: shapes of prompts and answers, and when they come.

import { assert, defined, Random } from "@loci/core";
import type { LengthSample } from "./alpaca-lengths.ts";
import { arrivalTimes, normal } from "./arrivals.ts";
import { uniquePrompt } from "./prompt-tokens.ts";
import type { SimRequest, Workload } from "./sim-request.ts";

/** How requests come. */
export type ArrivalPlan =
  | { readonly kind: "at-once" }
  | { readonly kind: "clients"; readonly clients: number }
  | { readonly kind: "rate"; readonly ratePerSecond: number; readonly variation: number };

export interface ShapedRequest {
  readonly promptTokens: number;
  readonly answerTokens: number;
  readonly userText: string | null;
}

/** Streams of one seed. */
const arrivalStream = 0x0a11;
const shapeStream = 0x5a9e;

/**
 * The shape of ShareGPT's first turns as benchmarks filter them (4 to 1,024 tokens in, at least 4
 * out, 2,048 together): lognormal prompts and answers with means of about 220 and 200 tokens, as
 * published runs over that file report them.
 */
export function chatShapes(count: number, seed: number): ShapedRequest[] {
  const random = new Random(seed ^ shapeStream);
  return Array.from({ length: count }, () => {
    for (;;) {
      const promptTokens = Math.round(Math.exp(4.95 + 1.4 * normal(random)));
      const answerTokens = Math.round(Math.exp(4.8 + 1.05 * normal(random)));
      const isKept = promptTokens >= 4 && promptTokens <= 1024 && answerTokens >= 4;
      if (isKept && promptTokens + answerTokens <= 2048) {
        return { promptTokens, answerTokens, userText: null };
      }
    }
  });
}

/** `count` requests of fixed sizes. */
export function fixedShapes(
  count: number,
  promptTokens: number,
  answerTokens: number,
): ShapedRequest[] {
  return Array.from({ length: count }, () => ({ promptTokens, answerTokens, userText: null }));
}

export interface LengthShapeOptions {
  readonly count: number;
  readonly seed: number;
  /** Whose answers; null = each request another model's, in turn. */
  readonly model: string | null;
}

/** Recorded instructions in a random order, again and again. Prompts differ each time. */
export function lengthShapes(
  samples: readonly LengthSample[],
  { count, seed, model }: LengthShapeOptions,
): ShapedRequest[] {
  const models = [...defined(samples[0]).answerTokens.keys()];
  const random = new Random(seed ^ shapeStream);
  const order: number[] = [];
  return Array.from({ length: count }, (_, index) => {
    if (order.length === 0) order.push(...shuffled(random, samples.length));
    const sample = defined(samples[defined(order.pop())]);
    const whose = model ?? defined(models[index % models.length]);
    const { prompt, promptTokens, answerTokens } = sample;
    return { promptTokens, answerTokens: defined(answerTokens.get(whose)), userText: prompt };
  });
}

/** Requests of these shapes that come as planned; nobody shares a prefix. */
export function plannedWorkload(
  name: string,
  shapes: readonly ShapedRequest[],
  plan: ArrivalPlan,
  seed: number,
): Workload {
  assert(plan.kind !== "clients" || plan.clients >= 1, "somebody asks");
  const random = new Random(seed ^ arrivalStream);
  const times =
    plan.kind === "rate" ? arrivalTimes(random, { ...plan, count: shapes.length }) : null;
  const requests = shapes.map((shape, index): SimRequest => {
    const { promptTokens, answerTokens, userText } = shape;
    return {
      arrivalMs: times === null ? 0 : defined(times[index]),
      prompt: uniquePrompt(index, promptTokens),
      answerTokens,
      maxTokens: null,
      ignoresEnd: false,
      tenant: "default",
      userText,
      cancelAfterMs: null,
    };
  });
  return { name, requests, clients: plan.kind === "clients" ? plan.clients : null };
}

/** The same requests, `speed` times as fast one after the other. */
export function hastened(requests: readonly SimRequest[], speed: number): SimRequest[] {
  return requests.map(({ arrivalMs, ...rest }) => ({ arrivalMs: arrivalMs / speed, ...rest }));
}

/** The numbers below `count`, in a random order (Fisher and Yates). */
export function shuffled(random: Random, count: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = random.integer(0, last);
    const [one, two] = [defined(order[last]), defined(order[other])];
    order[last] = two;
    order[other] = one;
  }
  return order;
}
