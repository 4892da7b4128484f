// What one line of input means in a conversation: a command or a message. Keeps the turns; knows
// neither terminal nor network.

import { assert } from "@loci/core";

import type { ChatTurn } from "./chat-client.ts";

export type Step =
  | { readonly type: "ask"; readonly turns: readonly ChatTurn[] }
  | { readonly type: "say"; readonly text: string }
  | { readonly type: "exit" }
  | { readonly type: "nothing" };

const help = `/system TEXT  set the system message and start again (without TEXT: remove it)
/reset        forget the conversation
/exit         leave (or Ctrl+D)
/help         show this
Ctrl+C stops an answer; pasted lines stay together.
`;

export class Conversation {
  #system: string | null;
  #turns: ChatTurn[] = [];

  constructor(system: string | null) {
    this.#system = system;
  }

  /** What to do about the user's `input`. An `ask` waits for `answered` or `failed`. */
  take(input: string): Step {
    const text = input.trim();
    if (text === "") return { type: "nothing" };
    const command = /^\/(\w+)\s*(.*)$/s.exec(text);
    return this.#command(command?.[1] ?? "", command?.[2] ?? "") ?? this.#ask(text);
  }

  /** Keeps the answer, whole or as far as it came. An empty one takes the question back too. */
  answered(text: string): void {
    assert(this.#turns.at(-1)?.role === "user", "an answer follows a question");
    if (text === "") this.#turns.pop();
    else this.#turns.push({ role: "assistant", content: text });
  }

  #ask(content: string): Step {
    this.#turns.push({ role: "user", content });
    const system: readonly ChatTurn[] =
      this.#system === null ? [] : [{ role: "system", content: this.#system }];
    return { type: "ask", turns: [...system, ...this.#turns] };
  }

  /** Null when it is no command: then it is a message like any other. */
  #command(name: string, rest: string): Step | null {
    switch (name) {
      case "exit":
      case "quit":
      case "bye":
        return { type: "exit" };
      case "help":
        return { type: "say", text: help };
      case "reset":
        this.#turns = [];
        return { type: "say", text: "Forgotten.\n" };
      case "system":
        this.#turns = [];
        this.#system = rest === "" ? null : rest;
        return { type: "say", text: "A new conversation.\n" };
      default:
        return null;
    }
  }
}
