// The `response` object of the API, from what is known of a turn at the moment: the same function
// shows a turn that runs and one that was read from the store, so both look alike.

import { assert, type LociError } from "@loci/core";
import type { JsonObject, StoredResponse } from "@loci/store";
import { plainJson } from "../conversation/plain-json.ts";
import type { PromptFork } from "../conversation/continue-prompt.ts";
import type { FunctionTool, ResponsesBody } from "../schemas/responses-body.ts";
import type { SamplingDefaults } from "../server-options.ts";

/** What stays the same from the first event to the last. */
export interface ResponseFacts {
  readonly id: string;
  readonly createdUnixSeconds: number;
  readonly conversationId: string | null;
  readonly previousResponseId: string | null;
  /** The request as the API shows it again; see `shownParameters`. */
  readonly parameters: JsonObject;
}

export type ResponseState = Pick<
  StoredResponse,
  "status" | "endedUnixSeconds" | "usage" | "error" | "incompleteDetails" | "notes"
> & { readonly output: readonly JsonObject[] };

/** Nothing of the answer is there yet. */
export function openState(status: "queued" | "in_progress"): ResponseState {
  return {
    status,
    endedUnixSeconds: null,
    usage: null,
    error: null,
    incompleteDetails: null,
    notes: null,
    output: [],
  };
}

/** The object as clients see it. */
export function responseObject(facts: ResponseFacts, state: ResponseState): JsonObject {
  const fork = state.notes?.["fork"];
  return {
    id: facts.id,
    object: "response",
    created_at: facts.createdUnixSeconds,
    completed_at: state.status === "completed" ? state.endedUnixSeconds : null,
    status: state.status,
    error: state.error,
    incomplete_details: state.incompleteDetails,
    conversation: facts.conversationId === null ? null : { id: facts.conversationId },
    previous_response_id: facts.previousResponseId,
    ...facts.parameters,
    output: state.output,
    usage: state.usage,
    ...(fork === undefined || fork === null ? {} : { fork }),
  };
}

/** A stored turn as the object; its items are shown as they were kept. */
export function storedResponseObject(stored: StoredResponse): JsonObject {
  const output = stored.outputItems.map((item) => item.content);
  return responseObject(stored, { ...stored, output });
}

/** The request's parameters as the object repeats them, defaults filled in. */
export function shownParameters(
  body: ResponsesBody,
  model: string,
  defaults: SamplingDefaults,
): JsonObject {
  const given = Object.fromEntries(
    Object.keys(shownDefaults).flatMap((name) => {
      const value: unknown = Reflect.get(body, name);
      return value === undefined ? [] : [[name, plainJson(value)]];
    }),
  );
  return {
    ...shownDefaults,
    temperature: defaults.temperature,
    top_p: defaults.topP,
    ...given,
    model,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
    service_tier: "default",
    text: plainJson({ format: { type: "text" }, ...body.text }),
    tools: (body.tools ?? []).map(shownTool),
  };
}

/** What the object shows of each field that a request left out. */
const shownDefaults: JsonObject = {
  background: false,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  prompt_cache_key: null,
  prompt_cache_retention: null,
  safety_identifier: null,
  store: true,
  temperature: null,
  tool_choice: "auto",
  top_logprobs: 0,
  top_p: null,
  truncation: "disabled",
  user: null,
};

function shownTool(tool: FunctionTool): JsonObject {
  const { type, name, description = null, parameters, strict = null } = tool;
  return { type, name, description, parameters: plainJson(parameters ?? null), strict };
}

/** What a turn is remembered with besides what the API shows; null when there is nothing. */
export function turnNotes(turn: {
  readonly fork: PromptFork | null;
  readonly tenant: string;
  readonly cacheOwner: string;
  /** Of an answer that was cut off: what it goes on from if it is continued. */
  readonly partialText?: string | null;
}): JsonObject | null {
  const { fork, tenant, cacheOwner, partialText = null } = turn;
  if (fork === null && cacheOwner === tenant && partialText === null) return null;
  return {
    ...(partialText === null ? {} : { partialText }),
    ...(fork === null ? {} : { fork: { ...fork } }),
    ...(cacheOwner === tenant ? {} : { cacheOwner }),
  };
}

/** Whose cache a turn with these notes used. */
export function cacheOwnerOf(notes: JsonObject | null, tenant: string): string {
  const owner = notes?.["cacheOwner"];
  return typeof owner === "string" ? owner : tenant;
}

/** A failure in the object's form. */
export function responseError(error: LociError, requestId: string): JsonObject {
  const { status, code } = error;
  const kind = status === 429 ? "rate_limit_exceeded" : "invalid_prompt";
  const message =
    code === "internal"
      ? `The server failed to handle the request (request id ${requestId}).`
      : error.message;
  return { code: status >= 500 ? "server_error" : kind, message, type: code };
}

/** A field that is always a text in objects of our own making. */
export function textField(object: JsonObject, name: string): string {
  const value = object[name];
  assert(typeof value === "string", "the field is a text");
  return value;
}
