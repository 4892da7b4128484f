// What may be asked of an engine, in the words of the library.

import type { ChatMessage } from "@loci/core";

/** How the next token is chosen; the defaults are those of the HTTP API. */
export interface SamplingOptions {
  /** 0 to 2; 0 is greedy. Default 1. */
  readonly temperature?: number | undefined;
  /** 0, the default, is off. */
  readonly topK?: number | undefined;
  /** 0 to 1; 1, the default, is off. */
  readonly topP?: number | undefined;
  /** 0 to 1; 0, the default, is off. */
  readonly minP?: number | undefined;
  /** 0.01 to 10, over prompt and answer; 1, the default, is off. */
  readonly repetitionPenalty?: number | undefined;
  /** -2 to 2; 0, the default, is off. */
  readonly presencePenalty?: number | undefined;
  /** -2 to 2; 0, the default, is off. */
  readonly frequencyPenalty?: number | undefined;
  /** Token id → a number from -100 to 100 that is added to its logit. */
  readonly logitBias?: Readonly<Record<number, number>> | undefined;
  /** An integer. The same seed gives the same answer; by chance when absent. */
  readonly seed?: number | undefined;
}

/** How an answer is made, whatever the prompt. */
export interface AnswerOptions extends SamplingOptions {
  /** Most tokens of the answer; by default as many as the context leaves. */
  readonly maxTokens?: number | undefined;
  /** The answer does not end before so many tokens. */
  readonly minTokens?: number | undefined;
  /** Goes on after the model's end token. */
  readonly ignoreEos?: boolean | undefined;
  /** At most 4 texts that end the answer and are no part of it. */
  readonly stop?: string | readonly string[] | undefined;
  /** Tokens that end the answer. */
  readonly stopTokenIds?: readonly number[] | undefined;
  /** Reports the log-probability of each token, and of so many alternatives: 0 to 20. */
  readonly logprobs?: number | undefined;
  /** The answer is JSON of this schema. Excludes `grammar`. */
  readonly jsonSchema?: object | boolean | undefined;
  /** The answer follows this GBNF grammar. */
  readonly grammar?: string | undefined;
  /** -1000 to 1000; lower is served first. */
  readonly priority?: number | undefined;
  /** The prompt's cache is worth keeping for so long after the answer. */
  readonly retainSeconds?: number | undefined;
  /** Ends the answer: the iteration throws LociError `cancelled`. */
  readonly signal?: AbortSignal | undefined;
}

/** A text, or token ids, to go on with. */
export interface TextPrompt {
  readonly prompt: string | Int32Array | readonly number[];
  readonly messages?: undefined;
}

/** A chat to answer, in the model's own template. */
export interface ChatPromptOptions {
  readonly messages: readonly ChatMessage[];
  readonly prompt?: undefined;
  /** Tools as OpenAI's API describes them; shown to the model as its template does. */
  readonly tools?: readonly unknown[] | undefined;
  /** Variables for the template, e.g. `{ enable_thinking: false }`. */
  readonly templateVariables?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** What belongs together, and what is kept apart. */
export interface SharingOptions {
  /** Names the conversation that the request belongs to: a hint for what to keep. */
  readonly session?: string | undefined;
  /** Whose cache is shared; answers of one tenant never wait in another's cache. */
  readonly tenant?: string | undefined;
}

/** For `engine.generate` and `engine.complete`. */
export type GenerateOptions = AnswerOptions & SharingOptions & (TextPrompt | ChatPromptOptions);
