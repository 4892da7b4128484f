// A predictor that has learned from earlier traffic and learns no more: the requests of an experiment
// repeat a few hundred instructions, and whoever learned from them would soon know them by heart.

import type { LengthForecast, LengthPredictor, LengthQuery } from "@loci/predict";
import { promptTokens, uniquePrompt } from "../workload/prompt-tokens.ts";
import type { ShapedRequest } from "../workload/generators.ts";

export interface Lessons {
  readonly shapes: readonly ShapedRequest[];
  readonly sequenceTokensMax: number;
  readonly vocabularySize: number;
}

/** Lets a predictor see the lessons once, in order; afterwards it stays as it is. */
export function teach(predictor: LengthPredictor, lessons: Lessons): LengthPredictor {
  const { shapes, sequenceTokensMax, vocabularySize } = lessons;
  for (const [index, shape] of shapes.entries()) {
    const source = uniquePrompt(0x10000000 + index, shape.promptTokens);
    const tokensMax = Math.max(1, sequenceTokensMax - shape.promptTokens);
    const forecast = predictor.open({
      tenant: "default",
      promptTokens: promptTokens(source, vocabularySize),
      userText: shape.userText,
      tokensMax,
      tokensMin: 0,
      ignoresEnd: false,
      temperature: 0,
      isConstrained: false,
    });
    const tokens = Math.min(tokensMax, shape.answerTokens);
    for (let place = 1; place < tokens; place++) forecast.observe(place, null);
    forecast.close({ tokens, isCensored: shape.answerTokens > tokensMax });
  }
  return new TaughtPredictor(predictor);
}

class TaughtPredictor implements LengthPredictor {
  readonly name: string;
  readonly #inner: LengthPredictor;

  constructor(inner: LengthPredictor) {
    this.name = inner.name;
    this.#inner = inner;
  }

  open(query: LengthQuery): LengthForecast {
    const forecast = this.#inner.open(query);
    return {
      get distribution() {
        return forecast.distribution;
      },
      observe: (generated, hidden) => forecast.observe(generated, hidden),
      close: () => {},
    };
  }

  save(): Uint8Array | null {
    return this.#inner.save();
  }

  restore(bytes: Uint8Array): boolean {
    return this.#inner.restore(bytes);
  }
}
