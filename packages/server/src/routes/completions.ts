// POST /v1/completions.

import { LociError } from "@loci/core";
import type { FastifyRequest } from "fastify";
import { completeAnswer, streamAnswer } from "../answer.ts";
import { answerFormat } from "../answer-format.ts";
import { answerHead } from "../answer-head.ts";
import { CompletionAnswer } from "../completion-answer.ts";
import { generationRequests, requireTextFits } from "../generation-requests.ts";
import { runGenerations } from "../generation-run.ts";
import { requestLimits } from "../limits.ts";
import { checkedTokenIds, invalid, samplingParams } from "../sampling-params.ts";
import { schedulingHints } from "../scheduling-hints.ts";
import { completionBody, type CompletionBody } from "../schemas/completion-body.ts";
import type { CompletionPrompt } from "../schemas/completion-body.ts";
import { textCompletion } from "../schemas/response-bodies.ts";
import { requireModel, requireReady, type ServerContext } from "../server-context.ts";
import { documentedBody, type Routes } from "./routes.ts";

/** OpenAI's default for this endpoint. */
const maxTokensDefault = 16;

export function completionRoutes(app: Routes, context: ServerContext): void {
  const schema = documentedBody(completionBody, {
    summary: "Continue a text or token ids",
    tag: "generation",
    response: textCompletion,
    streams: true,
  });
  app.post("/v1/completions", { schema }, async (request, reply) => {
    const { body } = request;
    requireReady(context);
    requireModel(context, body.model);
    const signal = context.live.signalFor(reply.raw);
    const { answer, requests } = await prepare(context, body, request);
    const run = { ...context, endpoint: "completions" as const, requestId: request.id };
    const events = runGenerations(run, requests, signal);
    if (body.stream !== true) return completeAnswer(events, answer);
    await streamAnswer({ context, request, reply }, events, answer);
    return reply;
  });
}

interface Prepared {
  readonly answer: CompletionAnswer;
  readonly requests: ReturnType<typeof generationRequests>;
}

async function prepare(
  context: ServerContext,
  body: CompletionBody,
  { tenant, headers }: Pick<FastifyRequest, "tenant" | "headers">,
): Promise<Prepared> {
  const prompts = promptList(body.prompt);
  const answers = body.n ?? 1;
  if (prompts.length * answers > requestLimits.generationsMax) {
    throw invalid("n", `Prompts times n is at most ${requestLimits.generationsMax}.`);
  }
  if (body.echo === true && body.logprobs !== undefined) {
    throw new LociError("invalid_request", "echo and logprobs exclude each other.", {
      param: "echo",
    });
  }
  const sampling = samplingParams(body, {
    defaults: context.samplingDefaults,
    vocabularySize: context.model.vocabularySize,
    chanceSeed: () => context.entropy.seed(),
    grammar: answerFormat(body, context.codec)?.grammar ?? null,
    logprobsTop: body.logprobs ?? null,
  });
  requireTextFits(
    context,
    prompts.filter((prompt) => typeof prompt === "string"),
  );
  const tokens = await Promise.all(prompts.map((prompt) => promptTokens(context, body, prompt)));
  const head = answerHead(context, "cmpl", body.model);
  const requests = generationRequests(context, body, {
    id: head.id,
    tenant,
    prompts: tokens,
    maxTokens: body.max_tokens ?? maxTokensDefault,
    sampling,
    hints: schedulingHints({ headers, body, messages: null }),
  });
  const echoes = body.echo === true ? await promptTexts(context, prompts) : [];
  const repeated = echoes.flatMap((echo) => Array.from({ length: answers }, () => echo));
  return { answer: new CompletionAnswer(head, body, requests, repeated), requests };
}

type Prompt = string | readonly number[];

function promptList(prompt: CompletionPrompt): readonly Prompt[] {
  if (typeof prompt === "string") return [prompt];
  return isTokenIds(prompt) ? [prompt] : prompt;
}

/** The schema admits no mixed lists, so the first entry tells. */
function isTokenIds(prompt: Exclude<CompletionPrompt, string>): prompt is readonly number[] {
  return typeof prompt[0] === "number";
}

async function promptTokens(
  context: ServerContext,
  body: CompletionBody,
  prompt: Prompt,
): Promise<Int32Array> {
  if (typeof prompt !== "string") {
    return Int32Array.from(checkedTokenIds(prompt, context.model.vocabularySize, "prompt"));
  }
  return context.codec.tokenize(prompt, {
    addSpecial: body.add_special_tokens ?? true,
    parseSpecial: body.parse_special ?? false,
  });
}

function promptTexts(
  context: ServerContext,
  prompts: readonly Prompt[],
): Promise<readonly string[]> {
  const texts = prompts.map((prompt) =>
    typeof prompt === "string"
      ? Promise.resolve(prompt)
      : context.codec.detokenize(Int32Array.from(prompt)),
  );
  return Promise.all(texts);
}
