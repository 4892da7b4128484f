// A conversation at the keyboard: an editor line, answers that stream, Ctrl+C that stops first the
// answer and then the program.

import { createInterface, emitKeypressEvents } from "node:readline";
import type { Interface } from "node:readline";

import { LociError } from "@loci/core";

import { exitCodes } from "../exit-codes.ts";
import { paint } from "../output.ts";
import type { Output } from "../output.ts";
import type { ChatClient, ChatTurn } from "./chat-client.ts";
import type { Conversation } from "./conversation.ts";
import { LineCollector } from "./line-collector.ts";
import { printable } from "../terminal/safe-text.ts";

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
}

/** Runs until /exit, Ctrl+D or a second Ctrl+C; returns the exit code. */
export async function chatInTerminal(parts: TerminalChatParts): Promise<number> {
  const model = await parts.client.model();
  parts.output.out(`Talking with ${model}. /help lists the commands, /exit leaves.\n`);
  return await new TerminalChat(parts).run();
}

class TerminalChat {
  readonly #parts: TerminalChatParts;
  readonly #editor: Interface;
  readonly #ended = Promise.withResolvers<number>();
  /** Cancels the answer being written; null while the user writes. */
  #answering: AbortController | null = null;
  /** Messages typed while an answer was being written. */
  readonly #waiting: string[] = [];
  #interrupted = false;

  constructor(parts: TerminalChatParts) {
    this.#parts = parts;
    this.#editor = createInterface({
      input: parts.input,
      output: parts.screen,
      terminal: true,
      prompt: paint(parts.output, "green", "> "),
    });
  }

  async run(): Promise<number> {
    const lines = new LineCollector(
      (message) => this.#receive(message),
      (action) => setImmediate(action),
    );
    const { input, screen } = this.#parts;
    emitKeypressEvents(input);
    input.on("keypress", (_text: unknown, key?: { readonly name?: string }) => {
      if (key?.name === "paste-start") lines.pasteStarted();
      if (key?.name === "paste-end") lines.pasteEnded();
    });
    this.#editor.on("line", (text) => lines.line(text));
    this.#editor.on("SIGINT", () => this.#interrupt());
    this.#editor.on("close", () => this.#ended.resolve(exitCodes.ok));
    screen.write(bracketedPasteOn);
    this.#editor.prompt();
    try {
      return await this.#ended.promise;
    } finally {
      screen.write(bracketedPasteOff);
      this.#answering?.abort();
      this.#editor.close();
    }
  }

  #interrupt(): void {
    if (this.#answering) {
      this.#answering.abort();
    } else if (this.#interrupted) {
      this.#parts.output.out("\n");
      this.#ended.resolve(exitCodes.interrupted);
    } else {
      this.#interrupted = true;
      this.#parts.output.out("\nCtrl+C once more leaves.\n");
      this.#editor.prompt();
    }
  }

  #receive(message: string): void {
    this.#interrupted = false;
    if (this.#answering) {
      // One message at a time is kept: a longer queue would answer questions long forgotten.
      this.#waiting.splice(0, this.#waiting.length, message);
      return;
    }
    const step = this.#parts.conversation.take(message);
    if (step.type === "exit") {
      this.#ended.resolve(exitCodes.ok);
      return;
    }
    if (step.type === "say") this.#parts.output.out(step.text);
    if (step.type === "ask") {
      void this.#answer(step.turns).catch((error: unknown) => this.#ended.reject(error));
    } else this.#editor.prompt();
  }

  async #answer(turns: readonly ChatTurn[]): Promise<void> {
    const { client, conversation, output } = this.#parts;
    const stop = new AbortController();
    this.#answering = stop;
    let text = "";
    try {
      for await (const piece of client.answer(turns, stop.signal)) {
        text += piece;
        output.out(printable(piece));
      }
    } catch (error) {
      if (!stop.signal.aborted) this.#report(error);
    }
    this.#answering = null;
    conversation.answered(text);
    output.out(stop.signal.aborted ? paint(output, "dim", " (stopped)\n") : "\n");
    const next = this.#waiting.shift();
    if (next === undefined) this.#editor.prompt();
    else this.#receive(next);
  }

  /** A refused message ends the turn, not the conversation; our own mistakes end the program. */
  #report(error: unknown): void {
    if (!(error instanceof LociError)) throw error;
    this.#parts.output.err(`\n${paint(this.#parts.output, "red", error.message)}`);
  }
}
