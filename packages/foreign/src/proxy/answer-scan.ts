// Looks at an answer's bytes as they pass: how many tokens came (an event is about one), what the
// engine says of its usage, and under which id a response is stored. Never changes a byte; stops
// looking where there is more than its bounds, or what it cannot read.

import type { EventSourceParser } from "eventsource-parser";
import { createParser } from "eventsource-parser";
import { countAt, fieldAt, parseJson, stringAt } from "../http/fields.ts";

export interface ScannedAnswer {
  /** Of the prompt, from 0 to 1; null where the engine does not say. */
  readonly cachedShare: number | null;
  /** As the engine says, else as events were counted; null: nothing can be said. */
  readonly completionTokens: number | null;
  readonly endedByItself: boolean;
  readonly responseId: string | null;
}

const jsonCharsMax = 4 << 20;
const eventCharsMax = 1 << 20;
const ownEnds: ReadonlySet<string> = new Set([
  "stop",
  "tool_calls",
  "completed",
  "end_turn",
  "stop_sequence",
  "tool_use",
]);

export class AnswerScan {
  readonly #parser: EventSourceParser | null;
  readonly #decoder = new TextDecoder();
  #json = "";
  #isLost = false;
  #events = 0;
  /** Anthropic's streams tell the prompt's part at the beginning and the answer's at the end. */
  #usage: object = {};
  #end: string | null = null;
  #responseId: string | null = null;

  constructor(contentType: string) {
    const isStream = contentType.startsWith("text/event-stream");
    this.#isLost = !isStream && !contentType.includes("json");
    this.#parser = isStream
      ? createParser({
          maxBufferSize: eventCharsMax,
          onEvent: ({ data }) => this.#onEvent(data),
          onError: (error) => {
            if (error.type === "max-buffer-size-exceeded") this.#isLost = true;
          },
        })
      : null;
  }

  /** Reads the next bytes; returns how many events they completed. */
  push(bytes: Uint8Array): number {
    if (this.#isLost) return 0;
    const before = this.#events;
    const text = this.#decoder.decode(bytes, { stream: true });
    if (this.#parser !== null) this.#parser.feed(text);
    else if (this.#json.length + text.length > jsonCharsMax) this.#isLost = true;
    else this.#json += text;
    return this.#events - before;
  }

  /** All that was seen, once the answer is over. */
  finish(): ScannedAnswer {
    if (this.#parser === null && !this.#isLost) this.#look(parseJson(this.#json));
    const { prompt, cached } = promptCounts(this.#usage);
    const told = countAt(this.#usage, "completion_tokens") ?? countAt(this.#usage, "output_tokens");
    return {
      cachedShare: prompt === null || cached === null || prompt === 0 ? null : cached / prompt,
      completionTokens: told ?? (this.#parser === null ? null : this.#events),
      endedByItself: ownEnds.has(this.#end ?? ""),
      responseId: this.#responseId,
    };
  }

  #onEvent(data: string): void {
    if (data === "[DONE]") return;
    this.#events++;
    // Most events are a token and nothing else: they are not read.
    const isTelling = this.#events === 1 || /"(?:usage|finish_reason|status)":\s*["{]/.test(data);
    if (isTelling) this.#look(parseJson(data));
  }

  #look(value: unknown): void {
    const begun =
      stringAt(value, "type") === "message_start" ? fieldAt(value, "message") : undefined;
    const whole = fieldAt(value, "response") ?? begun ?? value;
    const usage = fieldAt(whole, "usage");
    if (typeof usage === "object" && usage !== null) this.#usage = { ...this.#usage, ...usage };
    this.#end =
      stringAt(whole, "choices", 0, "finish_reason") ??
      stringAt(whole, "status") ??
      stringAt(whole, "stop_reason") ??
      stringAt(whole, "delta", "stop_reason") ??
      this.#end;
    if (stringAt(whole, "object") === "response") {
      this.#responseId ??= stringAt(whole, "id");
    }
  }
}

interface PromptCounts {
  readonly prompt: number | null;
  readonly cached: number | null;
}

/** In Anthropic's usage, `input_tokens` are only those that have nothing to do with the cache. */
function promptCounts(usage: object): PromptCounts {
  const told = countAt(usage, "prompt_tokens") ?? countAt(usage, "input_tokens");
  const read = countAt(usage, "cache_read_input_tokens");
  if (read !== null && told !== null) {
    const written = countAt(usage, "cache_creation_input_tokens") ?? 0;
    return { prompt: told + read + written, cached: read };
  }
  const cached =
    countAt(usage, "prompt_tokens_details", "cached_tokens") ??
    countAt(usage, "input_tokens_details", "cached_tokens");
  return { prompt: told, cached };
}
