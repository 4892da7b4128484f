// POST /v1/chat/completions.

import type { FastifyRequest } from "fastify";
import { answerFormat } from "../answer-format.ts";
import { answerHead } from "../answer-head.ts";
import { ChatAnswer } from "../chat-answer.ts";
import { chatPrompt, chatTexts, requireChatTemplate } from "../chat-prompt.ts";
import { historyOutcome } from "../conversation/continue-prompt.ts";
import { schedulingHints } from "../scheduling-hints.ts";
import { sessionHints } from "../conversation/session-hints.ts";
import { cacheOwner, generationRequests, requireTextFits } from "../generation-requests.ts";
import { keyedAnswer, type PreparedAnswer } from "../idempotency/keyed-answer.ts";
import { wholeAsChunks } from "../idempotency/whole-as-chunks.ts";
import { invalid, samplingParams } from "../sampling-params.ts";
import { chatBody, type ChatBody } from "../schemas/chat-body.ts";
import { chatCompletion } from "../schemas/response-bodies.ts";
import type { ServerContext } from "../server-context.ts";
import { choiceOptions, toolUse } from "../tool-use.ts";
import { documentedBody, type Routes } from "./routes.ts";

export function chatRoutes(app: Routes, context: ServerContext): void {
  const schema = documentedBody(chatBody, {
    summary: "Answer a chat",
    tag: "generation",
    response: chatCompletion,
    streams: true,
  });
  app.post("/v1/chat/completions", { schema }, (request, reply) =>
    keyedAnswer({ context, request, reply }, request.body, {
      endpoint: "chat",
      prepare,
      chunksOf: wholeAsChunks,
    }),
  );
}

async function prepare(
  context: ServerContext,
  body: ChatBody,
  { tenant, headers }: Pick<FastifyRequest, "tenant" | "headers">,
): Promise<PreparedAnswer> {
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
