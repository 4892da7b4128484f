// POST /v1/chat/completions.

import { completeAnswer, streamAnswer } from "../answer.ts";
import { answerFormat } from "../answer-format.ts";
import { answerHead } from "../answer-head.ts";
import { ChatAnswer } from "../chat-answer.ts";
import { chatPrompt, chatTexts, requireChatTemplate } from "../chat-prompt.ts";
import { generationRequests, requireTextFits } from "../generation-requests.ts";
import { runGenerations } from "../generation-run.ts";
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
    const { body } = request;
    requireReady(context);
    requireModel(context, body.model);
    const signal = context.live.signalFor(reply.raw);
    const { answer, requests } = await prepare(context, body, request.tenant);
    const run = { ...context, endpoint: "chat" as const };
    const events = runGenerations(run, requests, signal);
    if (body.stream !== true) return completeAnswer(events, answer);
    await streamAnswer({ context, request, reply }, events, answer);
    return reply;
  });
}

interface Prepared {
  readonly answer: ChatAnswer;
  readonly requests: ReturnType<typeof generationRequests>;
}

async function prepare(context: ServerContext, body: ChatBody, tenant: string): Promise<Prepared> {
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
  const promptTokens = await context.codec.encodeChat(chat);
  const head = answerHead(context, "chatcmpl", body.model);
  const requests = generationRequests(context, body, {
    id: head.id,
    tenant,
    prompts: [promptTokens],
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? null,
    sampling,
  });
  const options = await choiceOptions(context, use);
  return { answer: new ChatAnswer(head, body, requests, options), requests };
}

function logprobsTop(body: ChatBody): number | null {
  if (body.logprobs === true) return body.top_logprobs ?? 0;
  if (body.top_logprobs === undefined || body.top_logprobs === 0) return null;
  throw invalid("top_logprobs", "top_logprobs needs logprobs: true.");
}
