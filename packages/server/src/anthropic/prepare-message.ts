// From a body of /v1/messages to a generation: prompt, form of the answer, hints, and what is
// remembered afterwards.

import { LociError, type ChatMessage } from "@loci/core";
import type { FastifyRequest } from "fastify";
import { schemaGrammar } from "../answer-format.ts";
import { chatTexts, requireChatTemplate } from "../chat-prompt.ts";
import type { RecalledChat } from "../conversation/chat-recall.ts";
import { historyOutcome } from "../conversation/continue-prompt.ts";
import { generationRequests, requireTextFits } from "../generation-requests.ts";
import type { PreparedAnswer } from "../idempotency/keyed-answer.ts";
import { invalid, samplingParams } from "../sampling-params.ts";
import { schedulingHints } from "../scheduling-hints.ts";
import type { ServerContext } from "../server-context.ts";
import { choiceOptions, toolUse, type ToolUse } from "../tool-use.ts";
import { MessageAnswer } from "./message-answer.ts";
import type { MessagesBody, PromptFields } from "./message-bodies.ts";
import { anthropicChat } from "./message-chat.ts";
import { cacheTtl, messageHints } from "./message-hints.ts";
import { toolFields } from "./message-tools.ts";

export interface PreparedPrompt {
  readonly promptTokens: Int32Array;
  readonly messages: readonly ChatMessage[];
  readonly begun: string;
  readonly recalled: RecalledChat;
  readonly use: ToolUse | null;
  readonly grammar: string | null;
}

/** The prompt of a message, and the form its answer must have. Throws LociError. */
export async function preparePrompt(
  context: ServerContext,
  body: PromptFields,
  tenant: string,
): Promise<PreparedPrompt> {
  const { codec, model } = context;
  requireChatTemplate(model.toolCallFormat);
  const schema = body.output_config?.format?.schema;
  const param = "output_config.format";
  const wish =
    schema === undefined ? null : { param, grammar: schemaGrammar(schema, param, codec) };
  const use = toolUse(context, toolFields(body), wish);
  const { chat, begun } = anthropicChat(body, use?.tools ?? null);
  const grammar = wish?.grammar ?? use?.grammar ?? null;
  if (begun !== "" && grammar !== null) {
    throw invalid("messages", "The last message begins an answer whose form is demanded.");
  }
  requireTextFits(context, [...chatTexts(chat), begun]);
  const rendered = await codec.encodeChat(chat);
  const recalled = await context.recall.recall(tenant, chat, rendered);
  const start = await codec.tokenize(begun, { addSpecial: false, parseSpecial: false });
  const promptTokens = joined(recalled.prompt.promptTokens, start);
  return { promptTokens, messages: chat.messages, begun, recalled, use, grammar };
}

function joined(first: Int32Array, second: Int32Array): Int32Array {
  const both = new Int32Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** Everything that can be refused is refused here. Throws LociError. */
export async function prepareMessage(
  context: ServerContext,
  body: MessagesBody,
  { tenant, headers }: Pick<FastifyRequest, "tenant" | "headers">,
): Promise<PreparedAnswer> {
  if (body.thread !== undefined) throw invalid("thread", "Threads are not held by this server.");
  const prompt = await preparePrompt(context, body, tenant);
  const { recalled, begun, use } = prompt;
  context.metrics.history("messages", historyOutcome(recalled.prompt), recalled.prompt.keptTokens);
  const id = `msg_${context.entropy.hex(12)}`;
  const stop = body.stop_sequences;
  const requests = generationRequests(context, stop === undefined ? {} : { stop }, {
    id,
    tenant,
    prompts: [prompt.promptTokens],
    maxTokens: body.max_tokens,
    sampling: samplingParams(samplingFields(body), {
      defaults: context.samplingDefaults,
      vocabularySize: context.model.vocabularySize,
      chanceSeed: () => context.entropy.seed(),
      grammar: prompt.grammar,
      logprobsTop: null,
    }),
    hints: {
      ...messageHints({ tenant, body, headers, opening: recalled.openingHash }),
      ...schedulingHints({ headers, body: {}, messages: prompt.messages }),
    },
  });
  const [request] = requests;
  if (request === undefined) throw new LociError("internal", "A message has one generation.");
  const options = await choiceOptions(context, use, "toolu_");
  const model = body.model ?? context.model.id;
  const ttl = cacheTtl(body);
  const cache = { ttl, blockTokens: ttl === null ? 1 : context.service.snapshot().kvBlockTokens };
  const facts = { id, model, request, maxTokens: body.max_tokens, begun, cache };
  const answer = new MessageAnswer(facts, options());
  const remember = (): void => {
    const { message, tokens } = answer.turn();
    const createdUnixSeconds = context.clock.unixSeconds();
    context.recall.remember(tenant, recalled, message, { createdUnixSeconds, tokens });
  };
  return { answer, requests, remember };
}

function samplingFields(body: MessagesBody): Pick<MessagesBody, "temperature" | "top_p" | "top_k"> {
  const { temperature, top_p, top_k } = body;
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(top_p === undefined ? {} : { top_p }),
    ...(top_k === undefined ? {} : { top_k }),
  };
}
