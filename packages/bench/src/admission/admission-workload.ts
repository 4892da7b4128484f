// Instructions with the lengths that a chat model really answered with. One part is what the server has
// seen before, so that its predictor has learned; another is what waits when the measurement starts.

import { LociError, Random } from "@loci/core";
import type { LengthPredictor } from "@loci/predict";
import type { LengthSample } from "@loci/sim";

export interface AnswerShape {
  /** Whose answers: a name in the file. */
  readonly answeredBy: string;
  /** Lengths are multiplied by it, so that a slow model can be measured. */
  readonly scale: number;
  /** What every client allows at most. */
  readonly maxTokens: number;
  /** Longer prompts are left out. */
  readonly promptTokensMax: number;
}

export interface AdmissionRequest {
  readonly promptTokens: Int32Array;
  readonly userText: string;
  /** Tokens of its answer, the end included; at most what its client allows. */
  readonly answerTokens: number;
}

export interface AdmissionWorkload {
  readonly seen: readonly AdmissionRequest[];
  readonly waiting: readonly AdmissionRequest[];
}

export interface WorkloadSize {
  readonly seen: number;
  readonly waiting: number;
  readonly seed: number;
}

/** Longest text that a predictor is given. */
const userTextMax = 4096;

/** Prompts are random tokens of the right number: nobody shares any. */
export function admissionWorkload(
  samples: readonly LengthSample[],
  shape: AnswerShape,
  size: WorkloadSize,
  tokens: { readonly low: number; readonly high: number },
): AdmissionWorkload {
  const random = new Random(size.seed);
  const fitting = samples.filter(({ promptTokens }) => promptTokens <= shape.promptTokensMax);
  if (fitting.length < size.seen + size.waiting) {
    throw new LociError("config_invalid", `The file has only ${fitting.length} such prompts.`, {
      remedy: `Ask for at most ${fitting.length} of --learn and --requests together.`,
    });
  }
  const requests = shuffled(fitting, random).map((sample): AdmissionRequest => {
    const promptTokens = new Int32Array(sample.promptTokens);
    for (const index of promptTokens.keys()) {
      promptTokens[index] = random.integer(tokens.low, tokens.high);
    }
    const userText = sample.prompt.slice(0, userTextMax);
    return { promptTokens, userText, answerTokens: lengthOf(sample, shape) };
  });
  return {
    seen: requests.slice(0, size.seen),
    waiting: requests.slice(size.seen, size.seen + size.waiting),
  };
}

/** Tells a predictor of answers as if it had watched them. */
export function teach(
  predictor: LengthPredictor,
  seen: readonly AdmissionRequest[],
  query: { readonly tenant: string; readonly tokensMax: number },
): void {
  for (const { promptTokens, userText, answerTokens } of seen) {
    const facts = { tokensMin: 0, ignoresEnd: false, temperature: 0, isConstrained: false };
    const forecast = predictor.open({ ...query, ...facts, promptTokens, userText });
    forecast.close({ tokens: answerTokens, isCensored: answerTokens >= query.tokensMax });
  }
}

function lengthOf({ answerTokens }: LengthSample, shape: AnswerShape): number {
  const length = answerTokens.get(shape.answeredBy);
  if (length === undefined) {
    const known = [...answerTokens.keys()].join(", ");
    throw new LociError("config_invalid", `The file has no answers of ${shape.answeredBy}.`, {
      remedy: `It has those of ${known}.`,
    });
  }
  return Math.min(shape.maxTokens, Math.max(1, Math.round(length * shape.scale)));
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const keyed = values.map((value) => ({ value, key: random.next() }));
  return keyed.toSorted((one, other) => one.key - other.key).map(({ value }) => value);
}
