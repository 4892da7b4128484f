// The events of a turn that is over, told again from what was kept of it. Pieces of text are not
// kept, so each text comes as one piece; the numbers are those of this telling.

import type { JsonObject, JsonValue } from "@loci/store";
import type { OutputEvent } from "./output-items.ts";
import { lastEventType, type ResponseEvent } from "./response-answer.ts";

/** All events of the final `response`, as `GET …?stream=true` tells them. */
export function* storedEvents(response: JsonObject): Generator<ResponseEvent> {
  let sequence = 0;
  const begun = { ...response, status: "in_progress", output: [], usage: null, error: null };
  const open = { ...begun, completed_at: null, incomplete_details: null };
  const events = [
    { type: "response.created", response: open },
    { type: "response.in_progress", response: open },
    ...objects(response["output"]).flatMap((item, index) => itemEvents(item, index)),
    { type: lastEventType(response), response },
  ];
  for (const event of events) yield { ...event, sequence_number: sequence++ };
}

/** Events after number `after`; the last one always, however many the client has seen. */
export function* storedEventsAfter(
  response: JsonObject,
  after: number | null,
): Generator<ResponseEvent> {
  const events = [...storedEvents(response)];
  const last = events.at(-1);
  for (const event of events) {
    if (after === null || event.sequence_number > after) yield event;
    else if (event === last) yield { ...event, sequence_number: after + 1 };
  }
}

function itemEvents(item: JsonObject, index: number): readonly OutputEvent[] {
  const place = { item_id: item["id"], output_index: index };
  const done = { type: "response.output_item.done", output_index: index, item };
  const begun = { ...item, status: "in_progress" };
  const added = { type: "response.output_item.added", output_index: index };
  if (item["type"] === "function_call") {
    const given = item["arguments"];
    return [
      { ...added, item: { ...begun, arguments: "" } },
      { type: "response.function_call_arguments.delta", ...place, delta: given },
      { type: "response.function_call_arguments.done", ...place, arguments: given },
      done,
    ];
  }
  const parts = objects(item["content"]).flatMap((part, at) => partEvents(part, place, at));
  return [{ ...added, item: { ...begun, content: [] } }, ...parts, done];
}

function partEvents(part: JsonObject, place: JsonObject, at: number): readonly OutputEvent[] {
  const where = { ...place, content_index: at };
  const logprobs = part["logprobs"] ?? [];
  const text = part["text"];
  return [
    { type: "response.content_part.added", ...where, part: { ...part, text: "" } },
    { type: "response.output_text.delta", ...where, delta: text, logprobs },
    { type: "response.output_text.done", ...where, text, logprobs },
    { type: "response.content_part.done", ...where, part },
  ];
}

function objects(value: JsonValue | undefined): readonly JsonObject[] {
  if (!Array.isArray(value)) return [];
  return value.filter((one) => typeof one === "object" && one !== null && !Array.isArray(one));
}
