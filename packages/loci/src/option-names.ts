// A misspelt option would silently be a default; types do not hold everybody back.

import { LociError, nearestName } from "@loci/core";

import type { AnswerOptions, SharingOptions } from "./answer-options.ts";

type Names<T> = Readonly<Record<keyof T, true>>;

const answerNames: Names<AnswerOptions> = {
  temperature: true,
  topK: true,
  topP: true,
  minP: true,
  repetitionPenalty: true,
  presencePenalty: true,
  frequencyPenalty: true,
  logitBias: true,
  seed: true,
  maxTokens: true,
  minTokens: true,
  ignoreEos: true,
  stop: true,
  stopTokenIds: true,
  logprobs: true,
  jsonSchema: true,
  grammar: true,
  priority: true,
  retainSeconds: true,
  signal: true,
};
const sharingNames: Names<SharingOptions> = { session: true, tenant: true };
const promptNames: Readonly<Record<string, true>> = {
  prompt: true,
  messages: true,
  tools: true,
  templateVariables: true,
};

/** For answers whose prompt is known otherwise. Throws invalid_request. */
export function checkAnswerNames(options: object): void {
  checkNames(options, answerNames);
}

/** For answers to a prompt of their own. Throws invalid_request. */
export function checkGenerateNames(options: object): void {
  checkNames(options, { ...answerNames, ...sharingNames, ...promptNames });
}

function checkNames(options: object, known: Readonly<Record<string, true>>): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  const nearest = nearestName(unknown, Object.keys(known));
  throw new LociError("invalid_request", `There is no option ${JSON.stringify(unknown)}.`, {
    param: unknown,
    ...(nearest === null ? {} : { remedy: `Did you mean ${nearest}?` }),
  });
}
