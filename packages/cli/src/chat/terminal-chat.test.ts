import { PassThrough } from "node:stream";

import { LociError } from "@loci/core";
import { describe, expect, test } from "vitest";

import type { AnswerEvent, ChatTurn } from "./chat-client.ts";
import { Conversation } from "./conversation.ts";
import { chatInTerminal } from "./terminal-chat.ts";

const ctrlC = "\u0003";
const ctrlD = "\u0004";

type Answer = (turns: readonly ChatTurn[], signal: AbortSignal) => AsyncGenerator<string>;

const start = { system: null, maxTokens: null, temperature: null };
const usage = { promptTokens: 20, cachedTokens: 15, answerTokens: 3 };
const clock = { nowMs: () => 0, unixSeconds: () => 0, after: () => () => {} };

/** The events of an answer that consists of `pieces`. */
async function* eventsOf(pieces: AsyncGenerator<string>): AsyncGenerator<AnswerEvent> {
  for await (const text of pieces) yield { type: "text", text };
  yield { type: "end", finishReason: "stop", usage };
}

/** A chat with a keyboard that the test presses, and a model that repeats what it is told. */
class Desk {
  readonly asked: string[] = [];
  readonly exitCode: Promise<number>;
  readonly #keyboard = new PassThrough();
  readonly #watchers = new Set<() => void>();
  #shown = "";

  readonly history: string[];

  constructor(answer: Answer = echo, history: string[] = []) {
    this.history = history;
    const screen = new PassThrough();
    screen.on("data", (data: Buffer) => this.#show(data.toString()));
    this.exitCode = chatInTerminal({
      client: {
        model: () => Promise.resolve("parrot"),
        answer: (turns, _sampling, signal) => {
          this.asked.push(turns.at(-1)?.content ?? "");
          return eventsOf(answer(turns, signal));
        },
      },
      conversation: new Conversation(start),
      output: { coloured: false, out: (text) => this.#show(text), err: (text) => this.#show(text) },
      input: this.#keyboard,
      screen,
      history: { load: () => [...history], add: (line) => void history.push(line) },
      clock,
    });
  }

  press(keys: string): void {
    this.#keyboard.write(keys);
  }

  /** Resolves once `text` appears in what was shown after the last call. */
  async sees(text: string): Promise<void> {
    while (!this.#shown.includes(text)) {
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
    this.#shown = this.#shown.slice(this.#shown.indexOf(text) + text.length);
  }

  #show(text: string): void {
    this.#shown += text;
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }
}

async function* echo(turns: readonly ChatTurn[]): AsyncGenerator<string> {
  yield `You said ${turns.at(-1)?.content}\u001B[2J`;
  yield " only.";
}

/** Says one thing, then waits until it is stopped. */
async function* endless(_turns: unknown, signal: AbortSignal): AsyncGenerator<string> {
  yield "Once upon";
  await new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

/** Fails after its first word. */
function failing(error: Error): Answer {
  return async function* fail() {
    yield "Well";
    throw error;
  };
}

describe("a conversation at the keyboard", () => {
  test("answers, obeys commands, leaves by /exit", async () => {
    const desk = new Desk();
    await desk.sees("Talking with parrot");
    desk.press("hello\r");
    // The answer's escape sequence has lost its escape.
    await desk.sees("You said hello[2J only.\n");
    await desk.sees("3 tokens, first after 0.00 s; 75% of 20 prompt tokens cached\n");
    desk.press("/help\r");
    await desk.sees("/reset");
    desk.press("/exit\r");
    expect(await desk.exitCode).toBe(0);
  });

  test("pasted lines are one message, sent by the return after them", async () => {
    const desk = new Desk();
    await desk.sees("> ");
    desk.press("\u001B[200~one\rtwo\rthree\u001B[201~");
    desk.press(" four\r");
    await desk.sees("only.");
    expect(desk.asked).toEqual(["one\ntwo\nthree four"]);
    desk.press(ctrlD);
    expect(await desk.exitCode).toBe(0);
  });

  test("lines that are marked as unfinished are one message; Ctrl+C gives them up", async () => {
    const desk = new Desk();
    await desk.sees("> ");
    desk.press("one\\\r");
    await desk.sees(". ");
    desk.press("two\r");
    await desk.sees("only.");
    desk.press('"""\r');
    await desk.sees(". ");
    desk.press("three");
    desk.press(ctrlC);
    await desk.sees("> ");
    desk.press("four\r");
    await desk.sees("You said four");
    expect(desk.asked).toEqual(["one\ntwo", "four"]);
    desk.press(ctrlD);
    expect(await desk.exitCode).toBe(0);
  });

  test("the arrow keys find what was typed before, the tabulator completes commands", async () => {
    const desk = new Desk(echo, ["from yesterday"]);
    await desk.sees("> ");
    desk.press("\u001B[A\r");
    await desk.sees("You said from yesterday");
    // A tabulator within pasted text completes nothing.
    desk.press("/sy\t");
    desk.press("Be brief.\r");
    await desk.sees("A new conversation.");
    desk.press("/set temp\t");
    desk.press("0.5\r");
    await desk.sees("temperature: 0.5");
    expect(desk.history.slice(1)).toEqual([
      "from yesterday",
      "/system Be brief.",
      "/set temperature 0.5",
    ]);
    desk.press(ctrlD);
    expect(await desk.exitCode).toBe(0);
  });

  test("Ctrl+C stops the answer, then asks, then leaves", async () => {
    const desk = new Desk(endless);
    await desk.sees("> ");
    desk.press("a story\r");
    await desk.sees("Once upon");
    desk.press(ctrlC);
    await desk.sees("(stopped)");
    desk.press(ctrlC);
    await desk.sees("once more");
    desk.press(ctrlC);
    expect(await desk.exitCode).toBe(130);
  });

  test("a message typed during an answer is asked afterwards", async () => {
    const desk = new Desk(endless);
    await desk.sees("> ");
    desk.press("first\r");
    await desk.sees("Once upon");
    desk.press("second\r");
    desk.press(ctrlC);
    await desk.sees("(stopped)");
    await desk.sees("Once upon");
    expect(desk.asked).toEqual(["first", "second"]);
    desk.press(ctrlC);
    await desk.sees("(stopped)");
    desk.press("/exit\r");
    expect(await desk.exitCode).toBe(0);
  });

  test("a refusal ends the turn, not the conversation; a mistake of ours ends the program", async () => {
    const desk = new Desk(failing(new LociError("unavailable", "The queue is full.")));
    await desk.sees("> ");
    desk.press("hello\r");
    await desk.sees("The queue is full.");
    desk.press("/exit\r");
    expect(await desk.exitCode).toBe(0);
    const broken = new Desk(failing(new TypeError("a mistake")));
    await broken.sees("> ");
    broken.press("hello\r");
    await expect(broken.exitCode).rejects.toThrow("a mistake");
  });
});
