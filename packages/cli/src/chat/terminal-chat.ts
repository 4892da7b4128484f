// A conversation at the keyboard: an editor line, answers that stream, Ctrl+C that stops first the
// answer and then the program.

import { createInterface, emitKeypressEvents } from "node:readline";
import type { Interface } from "node:readline";

import { LociError } from "@loci/core";
import type { Clock } from "@loci/core";

import { exitCodes } from "../exit-codes.ts";
import { paint, paintError } from "../output.ts";
import type { Output } from "../output.ts";
import { oneLine, printable } from "../terminal/safe-text.ts";
import { AnswerMeter, speedLine } from "./answer-meter.ts";
import type { AnswerUsage, ChatClient } from "./chat-client.ts";
import { completeCommand } from "./chat-commands.ts";
import type { Conversation, Step } from "./conversation.ts";
import { historyLinesMax } from "./history-file.ts";
import type { HistoryFile } from "./history-file.ts";
import { LineCollector } from "./line-collector.ts";
import { MessageComposer } from "./message-composer.ts";

const bracketedPasteOn = "\u001B[?2004h";
const bracketedPasteOff = "\u001B[?2004l";

export interface TerminalChatParts {
  readonly client: Pick<ChatClient, "model" | "answer">;
  readonly conversation: Conversation;
  readonly output: Output;
  /** The keyboard. */
  readonly input: NodeJS.ReadableStream;
  /** Where the editor line is drawn; the same place as `output`. */
  readonly screen: NodeJS.WritableStream;
  /** What was typed in earlier chats; null = nothing is remembered. */
  readonly history: Pick<HistoryFile, "load" | "add"> | null;
  readonly clock: Clock;
}

/** Runs until /exit, Ctrl+D or a second Ctrl+C; returns the exit code. */
export async function chatInTerminal(parts: TerminalChatParts): Promise<number> {
  const model = await parts.client.model();
  const name = oneLine(model);
  parts.output.out(`Talking with ${name}. /help lists the commands, /exit leaves.\n`);
  return await new TerminalChat(parts).run();
}

class TerminalChat {
  readonly #parts: TerminalChatParts;
  readonly #editor: Interface;
  readonly #ended = Promise.withResolvers<number>();
  readonly #composer = new MessageComposer();
  /** Cancels the answer being written; null while the user writes. */
  #answering: AbortController | null = null;
  /** Messages typed while an answer was being written. */
  readonly #waiting: string[] = [];
  #interrupted = false;

  constructor(parts: TerminalChatParts) {
    this.#parts = parts;
    // readline's own order: the newest first.
    const history = (parts.history?.load() ?? []).toReversed();
    this.#editor = createInterface({
      input: parts.input,
      output: parts.screen,
      terminal: true,
      history: [...history],
      historySize: historyLinesMax,
      removeHistoryDuplicates: true,
      completer: completeCommand,
    });
  }

  async run(): Promise<number> {
    const lines = new LineCollector(
      (text) => this.#receive(text),
      (action) => setImmediate(action),
    );
    const { input, screen } = this.#parts;
    emitKeypressEvents(input);
    input.on("keypress", (_text: unknown, key?: { readonly name?: string }) => {
      if (key?.name === "paste-start") lines.pasteStarted();
      if (key?.name === "paste-end") lines.pasteEnded();
    });
    this.#editor.on("line", (text) => {
      this.#parts.history?.add(text);
      lines.line(text);
    });
    this.#editor.on("SIGINT", () => this.#interrupt());
    this.#editor.on("close", () => this.#ended.resolve(exitCodes.ok));
    screen.write(bracketedPasteOn);
    this.#prompt();
    try {
      return await this.#ended.promise;
    } finally {
      screen.write(bracketedPasteOff);
      this.#answering?.abort();
      this.#editor.close();
    }
  }

  /** Another sign where a message goes on. */
  #prompt(): void {
    const sign = this.#composer.isOpen ? ". " : "> ";
    this.#editor.setPrompt(paint(this.#parts.output, "green", sign));
    this.#editor.prompt();
  }

  #interrupt(): void {
    if (this.#answering) {
      this.#answering.abort();
    } else if (this.#composer.isOpen || this.#editor.line !== "") {
      // As a shell does it: what was begun is given up.
      this.#composer.clear();
      this.#editor.write(null, { ctrl: true, name: "e" });
      this.#editor.write(null, { ctrl: true, name: "u" });
      this.#parts.output.out("\n");
      this.#prompt();
    } else if (this.#interrupted) {
      this.#parts.output.out("\n");
      this.#ended.resolve(exitCodes.interrupted);
    } else {
      this.#interrupted = true;
      this.#parts.output.out("\nCtrl+C once more leaves.\n");
      this.#prompt();
    }
  }

  #receive(text: string): void {
    this.#interrupted = false;
    const message = this.#composer.take(text);
    if (message === null) {
      if (this.#answering === null) this.#prompt();
    } else if (this.#answering === null) {
      this.#take(message);
    } else {
      // One message at a time is kept: a longer queue would answer questions long forgotten.
      this.#waiting.splice(0, this.#waiting.length, message);
    }
  }

  #take(message: string): void {
    const step = this.#parts.conversation.take(message);
    if (step.type === "exit") {
      this.#ended.resolve(exitCodes.ok);
      return;
    }
    if (step.type === "say") this.#parts.output.out(step.text);
    if (step.type === "ask") {
      void this.#answer(step).catch((error: unknown) => this.#ended.reject(error));
    } else this.#prompt();
  }

  async #answer(question: Question): Promise<void> {
    const { client, conversation, output, clock } = this.#parts;
    const stop = new AbortController();
    this.#answering = stop;
    const meter = new AnswerMeter(clock);
    let text = "";
    let usage: AnswerUsage | null = null;
    try {
      for await (const event of client.answer(question.turns, question.sampling, stop.signal)) {
        if (event.type === "end") usage = event.usage;
        else {
          meter.text();
          text += event.text;
          output.out(printable(event.text));
        }
      }
    } catch (error) {
      if (!stop.signal.aborted) this.#report(error);
    }
    this.#answering = null;
    conversation.answered(text);
    output.out(stop.signal.aborted ? paint(output, "dim", " (stopped)\n") : "\n");
    if (usage !== null) {
      output.out(`${paint(output, "dim", speedLine(usage, meter.speed(usage)))}\n`);
    }
    const next = this.#waiting.shift();
    if (next === undefined) this.#prompt();
    else this.#take(next);
  }

  /** A refused message ends the turn, not the conversation; our own mistakes end the program. */
  #report(error: unknown): void {
    if (!(error instanceof LociError)) throw error;
    this.#parts.output.err(`\n${paintError(this.#parts.output, "red", printable(error.message))}`);
  }
}

type Question = Extract<Step, { readonly type: "ask" }>;
