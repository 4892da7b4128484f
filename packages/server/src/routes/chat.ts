// POST /v1/chat/completions.

import type { StoredReply } from "@loci/store";
import type { FastifyRequest } from "fastify";
import { completeAnswer, streamAnswer, streamChunks, type Exchange } from "../answer.ts";
import { answerFormat } from "../answer-format.ts";
import { answerHead } from "../answer-head.ts";
import { ChatAnswer } from "../chat-answer.ts";
import { chatPrompt, chatTexts, requireChatTemplate } from "../chat-prompt.ts";
import { historyOutcome } from "../conversation/continue-prompt.ts";
import { schedulingHints } from "../scheduling-hints.ts";
import { sessionHints } from "../conversation/session-hints.ts";
import { cacheOwner, generationRequests, requireTextFits } from "../generation-requests.ts";
import { runGenerations } from "../generation-run.ts";
import { claimKey, jsonReply, type KeyClaim } from "../idempotency/key-claim.ts";
import { wholeAsChunks, type ChatWhole } from "../idempotency/whole-as-chunks.ts";
import { invalid, samplingParams } from "../sampling-params.ts";
import { chatBody, type ChatBody } from "../schemas/chat-body.ts";
import { chatCompletion } from "../schemas/response-bodies.ts";
import { requireModel, requireReady, type ServerContext } from "../server-context.ts";
import { choiceOptions, toolUse } from "../tool-use.ts";
import { documentedBody, type Routes } from "./routes.ts";

export function chatRoutes(app: Routes, context: ServerContext): void {
  const schema = documentedBody(chatBody, {
    summary: "Answer a chat",
    tag: "generation",
    response: chatCompletion,
    streams: true,
  });
  app.post("/v1/chat/completions", { schema }, async (request, reply) => {
    const { claim, reply: kept } = await claimKey(context, request);
    const exchange = { context, request, reply };
    if (kept !== null) return answerAgain(exchange, request.body, kept);
    try {
      return await answerChat(exchange, request.body, claim);
    } finally {
      await claim?.release();
    }
  });
}

async function answerChat(
  exchange: Exchange,
  body: ChatBody,
  claim: KeyClaim | null,
): Promise<unknown> {
  const { context, request, reply } = exchange;
  requireReady(context);
  requireModel(context, body.model);
  const signal = context.live.signalFor(reply.raw);
  const { answer, requests, remember } = await prepare(context, body, request);
  const run = { ...context, endpoint: "chat" as const, requestId: request.id };
  const events = runGenerations(run, requests, signal);
  const onWhole = async (whole: unknown): Promise<void> => {
    remember();
    await claim?.finish(jsonReply(whole));
  };
  if (body.stream !== true) return completeAnswer(events, answer, onWhole);
  await streamAnswer(exchange, events, answer, onWhole);
  return reply;
}

/** The answer to an earlier request with the same key, in the form this one asks for. */
async function answerAgain(
  exchange: Exchange,
  body: ChatBody,
  kept: StoredReply,
): Promise<unknown> {
  exchange.reply.header("idempotent-replayed", "true");
  const whole: ChatWhole = JSON.parse(kept.body);
  if (body.stream !== true) return whole;
  await streamChunks(exchange, wholeAsChunks(whole, body));
  return exchange.reply;
}

interface Prepared {
  readonly answer: ChatAnswer;
  readonly requests: ReturnType<typeof generationRequests>;
  /** Makes the answers known, so that a request that goes on with one finds its tokens. */
  readonly remember: () => void;
}

async function prepare(
  context: ServerContext,
  body: ChatBody,
  { tenant, headers }: Pick<FastifyRequest, "tenant" | "headers">,
): Promise<Prepared> {
  requireChatTemplate(context.model.toolCallFormat);
  const wish = answerFormat(body, context.codec);
  const use = toolUse(context, body, wish);
  const sampling = samplingParams(body, {
    defaults: context.samplingDefaults,
    vocabularySize: context.model.vocabularySize,
    chanceSeed: () => context.entropy.seed(),
    grammar: wish?.grammar ?? use?.grammar ?? null,
    logprobsTop: logprobsTop(body),
  });
  const chat = chatPrompt(body, use?.tools ?? null);
  requireTextFits(context, chatTexts(chat));
  const owner = cacheOwner(tenant, body.cache_salt);
  const rendered = await context.codec.encodeChat(chat);
  const recalled = await context.recall.recall(owner, chat, rendered);
  context.metrics.history("chat", historyOutcome(recalled.prompt), recalled.prompt.keptTokens);
  const head = answerHead(context, "chatcmpl", body.model);
  const requests = generationRequests(context, body, {
    id: head.id,
    tenant,
    prompts: [recalled.prompt.promptTokens],
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? null,
    sampling,
    hints: {
      ...sessionHints({ tenant, body, headers, known: null, opening: recalled.openingHash }),
      ...schedulingHints({ headers, body, messages: chat.messages }),
    },
  });
  const options = await choiceOptions(context, use);
  const answer = new ChatAnswer(head, body, requests, options);
  const remember = (): void => {
    const createdUnixSeconds = context.clock.unixSeconds();
    for (const { message, tokens } of answer.turns()) {
      context.recall.remember(owner, recalled, message, { createdUnixSeconds, tokens });
    }
  };
  return { answer, requests, remember };
}

function logprobsTop(body: ChatBody): number | null {
  if (body.logprobs === true) return body.top_logprobs ?? 0;
  if (body.top_logprobs === undefined || body.top_logprobs === 0) return null;
  throw invalid("top_logprobs", "top_logprobs needs logprobs: true.");
}
