// Requests for tests: all parts have defaults, so what a test sets is what it is about.

import { greedySampling } from "@loci/core";
import type { GenerationRequest } from "@loci/core";

export interface TestRequest extends Partial<Omit<GenerationRequest, "promptTokens">> {
  readonly prompt?: readonly number[];
}

let count = 0;

export function testRequest(parts: TestRequest = {}): GenerationRequest {
  const { prompt = [1, 2, 3], ...rest } = parts;
  return {
    id: `test-${count++}`,
    tenant: "tenant",
    promptTokens: Int32Array.from(prompt),
    maxTokens: 8,
    minTokens: 0,
    ignoreEos: false,
    stop: [],
    stopTokenIds: [],
    sampling: greedySampling,
    ...rest,
  };
}
