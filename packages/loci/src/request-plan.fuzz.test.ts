// Whatever comes as options, a request within all bounds comes out, or a LociError.

import { LociError } from "@loci/core";
import type { GenerationRequest } from "@loci/core";
import { byteCodec, byteModel } from "@loci/server/testing";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import type { AnswerOptions } from "./answer-options.ts";
import { checkAnswerNames } from "./option-names.ts";
import { requestPlan } from "./request-plan.ts";

const context = { model: byteModel(), contextTokensMax: 128, codec: byteCodec };

const names: readonly (keyof AnswerOptions)[] = [
  "temperature",
  "topK",
  "topP",
  "minP",
  "repetitionPenalty",
  "presencePenalty",
  "frequencyPenalty",
  "seed",
  "maxTokens",
  "minTokens",
  "logprobs",
  "priority",
  "stop",
  "stopTokenIds",
  "logitBias",
  "ignoreEos",
];

/** Near what is allowed, and far from it. */
const value = fc.oneof(
  fc.double({ min: -3, max: 3, noNaN: false }),
  fc.integer({ min: -3, max: 200 }),
  fc.maxSafeInteger(),
  fc.string({ maxLength: 4 }),
  fc.array(fc.oneof(fc.string({ maxLength: 3 }), fc.integer({ min: -1, max: 400 }))),
  fc.dictionary(fc.string({ maxLength: 3 }), fc.double()),
  fc.boolean(),
);

const refusals: ReadonlySet<string> = new Set(["invalid_request", "context_length_exceeded"]);

/** The request, or null where a LociError refuses it. */
function plan(options: object, promptTokens: Int32Array): GenerationRequest | null {
  try {
    checkAnswerNames(options);
    return requestPlan(context, options, { id: "a", tenant: "t", promptTokens, userText: null });
  } catch (error) {
    if (error instanceof LociError && refusals.has(error.code)) return null;
    throw error;
  }
}

function isWithinBounds(request: GenerationRequest): boolean {
  const { maxTokens, minTokens, promptTokens, sampling, stopTokenIds } = request;
  const fits = maxTokens > 0 && maxTokens + promptTokens.length <= context.contextTokensMax;
  const { temperature, topP, topK, seed } = sampling;
  const isSampling = temperature >= 0 && temperature <= 2 && topP >= 0 && topP <= 1 && topK >= 0;
  const isWhole = seed === seed >>> 0 && stopTokenIds.every((id) => Number.isInteger(id));
  return fits && minTokens <= maxTokens && isSampling && isWhole;
}

test("fuzz: options become a request within its bounds, or a LociError", () => {
  const options = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3 });
  let plans = 0;
  fc.assert(
    fc.property(options, fc.integer({ min: 0, max: 140 }), (given, promptTokens) => {
      const request = plan(given, new Int32Array(promptTokens));
      if (request === null) return true;
      plans++;
      return isWithinBounds(request);
    }),
    { seed: 3, numRuns: 2000 },
  );
  expect(plans).toBeGreaterThan(500);
});
