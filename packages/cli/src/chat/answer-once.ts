// One message, one answer, and the end: the answer alone goes to standard output, as text or as
// events of JSON.

import type { Clock } from "@loci/core";

import { exitCodes } from "../exit-codes.ts";
import { paintError } from "../output.ts";
import type { Output } from "../output.ts";
import { printable } from "../terminal/safe-text.ts";
import { AnswerMeter, speedLine } from "./answer-meter.ts";
import type { AnswerEvent, ChatClient } from "./chat-client.ts";
import type { Step } from "./conversation.ts";

export interface SingleAnswer {
  readonly client: Pick<ChatClient, "model" | "answer">;
  /** What the message meant. */
  readonly step: Step;
  readonly output: Output;
  /** One JSON object in each line: `start`, `text`, `end`. */
  readonly json: boolean;
  readonly clock: Clock;
}

/** Returns the exit code. */
export async function answerOnce(answer: SingleAnswer): Promise<number> {
  const { client, step, output } = answer;
  if (step.type === "say") output.out(step.text);
  if (step.type !== "ask") return exitCodes.ok;
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  try {
    const show = answer.json ? eventShower(answer, await client.model()) : textShower(answer);
    const { turns, sampling } = step;
    for await (const event of client.answer(turns, sampling, stop.signal)) show(event);
    return exitCodes.ok;
  } catch (error) {
    if (stop.signal.aborted) return exitCodes.interrupted;
    throw error;
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

type Show = (event: AnswerEvent) => void;

function textShower({ output, clock }: SingleAnswer): Show {
  const meter = new AnswerMeter(clock);
  const isTerminal = (output.columns ?? null) !== null;
  return (event) => {
    if (event.type === "text") {
      meter.text();
      output.out(isTerminal ? printable(event.text) : event.text);
      return;
    }
    output.out("\n");
    const { usage } = event;
    // Only for somebody who watches, and never into the answer.
    if (!isTerminal || usage === null || (output.errorColumns ?? null) === null) return;
    output.err(`${paintError(output, "dim", speedLine(usage, meter.speed(usage)))}\n`);
  };
}

function eventShower({ output, clock }: SingleAnswer, model: string): Show {
  const meter = new AnswerMeter(clock);
  const write = (event: object): void => output.out(`${JSON.stringify(event)}\n`);
  write({ type: "start", model });
  return (event) => {
    if (event.type === "text") {
      meter.text();
      write({ type: "text", text: event.text });
      return;
    }
    const { usage, finishReason } = event;
    const speed = meter.speed(usage);
    write({
      type: "end",
      finish_reason: finishReason,
      prompt_tokens: usage?.promptTokens ?? null,
      cached_tokens: usage?.cachedTokens ?? null,
      answer_tokens: usage?.answerTokens ?? null,
      seconds: speed.seconds,
      first_text_seconds: speed.firstTextSeconds,
      tokens_per_second: speed.tokensPerSecond,
    });
  };
}
