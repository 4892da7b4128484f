// What one message means in a conversation: a command or something to answer. Keeps the turns; knows
// neither terminal nor network.

import { assert, unreachable } from "@loci/core";

import type { ChatSampling, ChatTurn } from "./chat-client.ts";
import { chatCommandNamed, chatHelp, settableNames } from "./chat-commands.ts";
import type { ChatCommandName, SettableName } from "./chat-commands.ts";

export type Step =
  | { readonly type: "ask"; readonly turns: readonly ChatTurn[]; readonly sampling: ChatSampling }
  | { readonly type: "say"; readonly text: string }
  | { readonly type: "exit" }
  | { readonly type: "nothing" };

/** What `--system`, `--temperature` and `--max-tokens` say. */
export interface ConversationStart extends ChatSampling {
  readonly system: string | null;
}

export class Conversation {
  #system: string | null;
  #sampling: ChatSampling;
  #turns: ChatTurn[] = [];

  constructor({ system, maxTokens, temperature }: ConversationStart) {
    this.#system = system;
    this.#sampling = { maxTokens, temperature };
  }

  /** What to do about the user's `input`. An `ask` waits for `answered`. */
  take(input: string): Step {
    const text = input.trim();
    if (text === "") return { type: "nothing" };
    const [, word = "", rest = ""] = /^\/([\w?]+)\s*(.*)$/s.exec(text) ?? [];
    const command = chatCommandNamed(word);
    // Anything else that begins with a slash is a message like any other.
    return command === null ? this.#say(text) : this.#command(command, rest);
  }

  /** Keeps the answer, whole or as far as it came. An empty one takes the question back too. */
  answered(text: string): void {
    assert(this.#turns.at(-1)?.role === "user", "an answer follows a question");
    if (text === "") this.#turns.pop();
    else this.#turns.push({ role: "assistant", content: text });
  }

  #say(content: string): Step {
    this.#turns.push({ role: "user", content });
    return this.#ask();
  }

  #ask(): Step {
    const system: readonly ChatTurn[] =
      this.#system === null ? [] : [{ role: "system", content: this.#system }];
    return { type: "ask", turns: [...system, ...this.#turns], sampling: this.#sampling };
  }

  #command(name: ChatCommandName, rest: string): Step {
    switch (name) {
      case "exit":
        return { type: "exit" };
      case "help":
        return say(chatHelp());
      case "reset":
        this.#turns = [];
        return say("Forgotten.\n");
      case "system":
        this.#turns = [];
        this.#system = rest === "" ? null : rest;
        return say("A new conversation.\n");
      case "undo":
        if (this.#turns.length === 0) return say("There is nothing to take back.\n");
        this.#turns.splice(-2);
        return say("Taken back.\n");
      case "retry":
        if (this.#turns.length === 0) return say("There is nothing to answer.\n");
        this.#turns.pop();
        return this.#ask();
      case "set":
        return this.#set(rest);
      default:
        return unreachable(name);
    }
  }

  #set(rest: string): Step {
    const [name = "", value = ""] = rest.split(/\s+/);
    if (!isSettable(name)) return say(`Only ${settableNames.join(" and ")} can be set.\n`);
    const setting = settables[name];
    if (value !== "" && !setting.pattern.test(value)) {
      return say(`${name} must be ${setting.expected}.\n`);
    }
    const number = value === "" ? null : Number(value);
    this.#sampling = { ...this.#sampling, [setting.field]: number };
    return say(`${name}: ${number ?? "the server's default"}\n`);
  }
}

interface Settable {
  readonly field: keyof ChatSampling;
  readonly pattern: RegExp;
  readonly expected: string;
}

/** Also what the flags of the same names must be. */
export const settables: Readonly<Record<SettableName, Settable>> = {
  temperature: {
    field: "temperature",
    pattern: /^\d{1,3}(\.\d{1,6})?$/,
    expected: "a number from 0 on",
  },
  "max-tokens": {
    field: "maxTokens",
    pattern: /^[1-9]\d{0,8}$/,
    expected: "a positive integer",
  },
};

function isSettable(name: string): name is SettableName {
  return settableNames.some((each) => each === name);
}

function say(text: string): Step {
  return { type: "say", text };
}
