// Everything about a request to /v1/responses that can be refused is decided here, before anything
// is generated or kept.

import { LociError, type GenerationRequest } from "@loci/core";
import type { StoredItem } from "@loci/store";
import { answerFormat, schemaGrammar, type AnswerFormat } from "../answer-format.ts";
import type { ChatChoiceOptions } from "../chat-choice.ts";
import { storedItems, textItem } from "../conversation/chat-items.ts";
import { chatMessages } from "../conversation/chat-items.ts";
import type { ContinuedPrompt } from "../conversation/continue-prompt.ts";
import { generationRequests } from "../generation-requests.ts";
import { invalid, samplingParams } from "../sampling-params.ts";
import type { ToolBody, ToolChoice } from "../schemas/chat-body.ts";
import { checkedItems } from "../schemas/response-items.ts";
import type { FunctionTool, ResponsesBody } from "../schemas/responses-body.ts";
import { requireModel, requireReady, type ServerContext } from "../server-context.ts";
import { schedulingHints } from "../scheduling-hints.ts";
import { sessionHints } from "../conversation/session-hints.ts";
import { choiceOptions, toolUse, type ToolFields, type ToolUse } from "../tool-use.ts";
import { requireResumable, resumedBody } from "./resumption.ts";
import type { DeliveredAnswer, Resumption } from "./resumption.ts";
import { responsePrompt } from "./response-prompt.ts";
import { shownParameters, type ResponseFacts } from "./response-object.ts";
import type { TurnHistory } from "./turn-history.ts";
import type { IncomingHttpHeaders } from "node:http";

export interface ResponseAsk {
  readonly context: ServerContext;
  readonly body: ResponsesBody;
  readonly tenant: string;
  readonly headers: IncomingHttpHeaders;
}

export interface PreparedResponse {
  readonly facts: ResponseFacts;
  readonly history: TurnHistory;
  readonly inputItems: readonly StoredItem[];
  readonly prompt: ContinuedPrompt;
  readonly request: GenerationRequest;
  readonly choice: ChatChoiceOptions;
  readonly withLogprobs: boolean;
  readonly resumption: Resumption | null;
}

/** Throws LociError for what cannot be done. */
export function requirePossible({ context, body }: ResponseAsk): void {
  requireReady(context);
  requireModel(context, body.model);
  requireResumable(body);
  if (!isStored(body) && body.background === true) {
    throw invalid("background", "A background response must be stored.");
  }
  if (!isStored(body) && body.conversation !== undefined) {
    throw invalid("store", "A turn of a conversation is always stored.");
  }
}

/** Throws LociError for what cannot be done. */
export async function prepareResponse(
  asked: ResponseAsk,
  history: TurnHistory,
): Promise<PreparedResponse> {
  const { resumption } = history;
  const body = resumption === null ? asked.body : resumedBody(asked.body, resumption);
  const ask = { ...asked, body };
  const { context } = ask;
  const { tools, grammar } = demands(ask);
  const delivered = resumption?.delivered ?? null;
  const choice = (await choiceOptions(context, tools))();
  if (delivered?.answerTokens.includes(choice.mark?.tokenId ?? -1) === true) {
    throw invalid("continue_response", "An answer that calls functions cannot be continued.");
  }
  const inputItems = newItems(ask);
  const added = { items: inputItems, tools: tools?.tools ?? null };
  const prompt =
    delivered === null
      ? await responsePrompt(context, body, history, added)
      : continuedAnswer(context, delivered);
  const id = `resp_${context.entropy.hex(24)}`;
  const request = plannedRequest(ask, history, { id, prompt, inputItems, grammar });
  const facts: ResponseFacts = {
    id,
    createdUnixSeconds: context.clock.unixSeconds(),
    conversationId: history.conversation?.id ?? null,
    previousResponseId: history.previousResponseId,
    parameters: shownParameters(body, body.model ?? context.model.id, context.samplingDefaults),
  };
  const withLogprobs = wantsLogprobs(body);
  return { facts, history, inputItems, prompt, request, choice, withLogprobs, resumption };
}

interface PlannedTurn extends Pick<PreparedResponse, "inputItems" | "prompt"> {
  readonly id: string;
  readonly grammar: string | null;
}

function plannedRequest(
  ask: ResponseAsk,
  history: TurnHistory,
  { id, prompt, inputItems, grammar }: PlannedTurn,
): GenerationRequest {
  const { context, body, tenant } = ask;
  const delivered = history.resumption?.delivered ?? null;
  const sampling = samplingParams(body, {
    defaults: context.samplingDefaults,
    vocabularySize: context.model.vocabularySize,
    chanceSeed: () => context.entropy.seed(),
    grammar,
    logprobsTop: wantsLogprobs(body) ? (body.top_logprobs ?? 0) : null,
  });
  const [request] = generationRequests(context, body, {
    id,
    tenant,
    prompts: [prompt.promptTokens],
    maxTokens: tokensMax(body, delivered),
    sampling,
    // What is kept begins a chain that is known by its first response.
    hints: {
      ...sessionHints({ ...ask, known: history.sessionName ?? (isStored(body) ? id : null) }),
      ...schedulingHints({ ...ask, messages: chatMessages(null, inputItems) }),
    },
  });
  if (request === undefined) throw new LociError("internal", "One prompt makes one request.");
  if (history.conversation !== null && request.sessionKey !== undefined) {
    context.conversationNames.note(request.sessionKey, tenant, history.conversation.id);
  }
  return delivered === null ? request : { ...request, deliveredTokens: delivered.answerTokens };
}

/** The prompt of an answer that goes on. Throws context_length_exceeded where it has no room. */
function continuedAnswer(context: ServerContext, answer: DeliveredAnswer): ContinuedPrompt {
  const { promptTokens, answerTokens } = answer;
  const { contextTokensMax } = context.model;
  if (promptTokens.length + answerTokens.length >= contextTokensMax) {
    throw new LociError(
      "context_length_exceeded",
      `The answer fills this model's context of ${contextTokensMax} tokens.`,
      { param: "continue_response" },
    );
  }
  return { promptTokens, keptTokens: promptTokens.length, fork: null };
}

/** What an answer has already counts, too. */
function tokensMax(body: ResponsesBody, delivered: DeliveredAnswer | null): number | null {
  const { max_output_tokens: tokens } = body;
  return tokens === undefined ? null : tokens + (delivered?.answerTokens.length ?? 0);
}

/** Unless the request says otherwise. */
export function isStored(body: ResponsesBody): boolean {
  return body.store ?? true;
}

/** The prompt alone, for counting its tokens. */
export async function preparePrompt(
  ask: ResponseAsk,
  history: TurnHistory,
): Promise<ContinuedPrompt> {
  const { tools } = demands(ask);
  const added = { items: newItems(ask), tools: tools?.tools ?? null };
  return responsePrompt(ask.context, ask.body, history, added);
}

function newItems({ body, context }: ResponseAsk): readonly StoredItem[] {
  const { input } = body;
  if (input === undefined) return [];
  const items = typeof input === "string" ? [textItem(input)] : checkedItems(input, "input");
  return storedItems(items, context.entropy);
}

function wantsLogprobs(body: ResponsesBody): boolean {
  const included = body.include?.includes("message.output_text.logprobs") === true;
  return included || (body.top_logprobs ?? 0) > 0;
}

interface Demands {
  readonly tools: ToolUse | null;
  /** Of the demanded form, or of demanded calls. */
  readonly grammar: string | null;
}

function demands({ context, body }: ResponseAsk): Demands {
  const wish = formatWish(context, body);
  const { tools, choice } = chatTools(body);
  const chat: ToolFields = {
    tools,
    tool_choice: choice,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
  };
  const use = flatParams(() => toolUse(context, chat, wish));
  return { tools: use, grammar: wish?.grammar ?? use?.grammar ?? null };
}

/** `text.format` or one of the fields that vLLM and llama-server know for the same. */
function formatWish(context: ServerContext, body: ResponsesBody): AnswerFormat | null {
  const other = answerFormat(body, context.codec);
  const format = body.text?.format;
  if (format === undefined || format.type === "text") return other;
  const param = "text.format";
  if (other !== null)
    throw invalid(other.param, `'${param}' and '${other.param}' exclude each other.`);
  const schema = format.type === "json_schema" ? format.schema : null;
  return { param, grammar: schemaGrammar(schema, param, context.codec) };
}

/** Tools and choice as the chat endpoint knows them. `allowed_tools` hides all other tools. */
function chatTools(body: ResponsesBody): {
  readonly tools: readonly ToolBody[];
  readonly choice: ToolChoice;
} {
  const choice = body.tool_choice ?? "auto";
  const all = (body.tools ?? []).map(chatTool);
  if (typeof choice === "string") return { tools: all, choice };
  if (choice.type === "function") {
    return { tools: all, choice: { type: "function", function: { name: choice.name } } };
  }
  const allowed = new Set(choice.tools.map(({ name }) => name));
  const tools = all.filter((tool) => allowed.has(tool.function.name));
  if (tools.length < allowed.size) {
    throw invalid("tool_choice.tools", "tool_choice names an unknown function.");
  }
  return { tools, choice: choice.mode };
}

function chatTool({ type, name, description, parameters, strict }: FunctionTool): ToolBody {
  return {
    type,
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
      ...(strict === undefined ? {} : { strict }),
    },
  };
}

/** The fields of a tool stand one level higher than in a chat. */
function flatParams<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof LociError) || !error.param?.includes(".function.")) throw error;
    const param = error.param.replace(".function.", ".");
    throw new LociError(error.code, error.message, { param, cause: error });
  }
}
