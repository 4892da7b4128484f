// An engine that speaks OpenAI's API in text and is otherwise unknown: chat as a stream or in one
// piece, stored responses, usage with cached tokens. It can be told to fail.

import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { assert } from "@loci/core";
import { fieldAt, parseJson } from "../http/fields.ts";

export interface TextMishap {
  readonly status?: number;
  /** After so many chunks the connection breaks, or nothing more comes until the client has left. */
  readonly breaksAfter?: number;
  readonly waitsAfter?: number;
  /** Sends without end, as fast as it is read. */
  readonly floods?: boolean;
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const words = ["one", "two", "thrée", "four", "five"];

export class TextEngine implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  readonly name: string;
  readonly #server: Server;
  readonly #known: string[] = [];
  #mishap: TextMishap = {};
  #answers = 0;
  #floodBytes = 0;
  #onLeft: () => void = () => undefined;

  private constructor(name: string) {
    this.name = name;
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  static async open(name: string): Promise<TextEngine> {
    const engine = new TextEngine(name);
    await new Promise<void>((resolve) => {
      engine.#server.listen(0, "127.0.0.1", resolve);
    });
    return engine;
  }

  get url(): string {
    const address = this.#server.address();
    assert(typeof address === "object" && address !== null, "the server listens");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Bytes of floods that somebody has taken. */
  get floodBytes(): number {
    return this.#floodBytes;
  }

  set mishap(mishap: TextMishap) {
    this.#mishap = mishap;
  }

  /** Resolves when the next client leaves before its answer's end. */
  nextLeft(): Promise<void> {
    return new Promise((resolve) => {
      this.#onLeft = resolve;
    });
  }

  /** What a stream of it looks like, byte for byte. */
  stream(cachedTokens: number): string {
    const chunks = words.map((word, index) => ({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta: { content: word }, finish_reason: index === 4 ? "stop" : null }],
    }));
    const last = { id: "chatcmpl-1", choices: [], usage: this.#usage(cachedTokens) };
    return [...chunks, last, "[DONE]"]
      .map((data) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`)
      .join("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { url = "", method = "", headers } = request;
    if (url === "/v1/models" || url === "/health") {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ data: [{ id: "text-model", owned_by: "somebody" }] }));
      return;
    }
    this.seen.push({ method, url, headers, body });
    const mishap = this.#mishap;
    this.#mishap = {};
    if (mishap.status !== undefined) {
      response.writeHead(mishap.status, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message: "not now" } }));
      return;
    }
    await this.#answer(response, { body, url }, mishap);
  }

  async #answer(
    response: ServerResponse,
    asked: { readonly body: string; readonly url: string },
    mishap: TextMishap,
  ): Promise<void> {
    const cachedTokens = this.#take(asked.body);
    if (fieldAt(parseJson(asked.body), "stream") !== true) {
      this.#answerWhole(response, asked.url, cachedTokens);
      return;
    }
    response.once("close", () => {
      if (!response.writableFinished) this.#onLeft();
    });
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "x-engine": this.name,
      "set-cookie": "a=b",
      "keep-alive": "timeout=5",
    });
    if (mishap.floods === true) {
      await this.#flood(response);
      return;
    }
    const events = this.stream(cachedTokens).match(/[^\n]*\n\n/g) ?? [];
    for (const [index, event] of events.entries()) {
      if (index === mishap.breaksAfter) response.destroy();
      if (index === mishap.waitsAfter || response.destroyed) return;
      response.write(event);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    response.end();
  }

  async #flood(response: ServerResponse): Promise<void> {
    const event = Buffer.from(`data: {"x":"${"y".repeat(65_536)}"}\n\n`);
    while (!response.destroyed) {
      this.#floodBytes += event.length;
      if (response.write(event)) continue;
      await new Promise<void>((resolve) => {
        response.once("drain", resolve);
        response.once("close", resolve);
      });
    }
  }

  #answerWhole(response: ServerResponse, url: string, cachedTokens: number): void {
    this.#answers++;
    const isResponse = url.startsWith("/v1/responses");
    const whole = isResponse
      ? { id: `resp_${this.name}_${this.#answers}`, object: "response", status: "completed" }
      : { id: "1", choices: [{ index: 0, finish_reason: "stop", message: { content: "one" } }] };
    const body = JSON.stringify({ ...whole, usage: this.#usage(cachedTokens), by: this.name });
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    });
    response.end(body);
  }

  #usage(cachedTokens: number): unknown {
    const details = { cached_tokens: cachedTokens };
    return { prompt_tokens: 100, completion_tokens: 5, prompt_tokens_details: details };
  }

  /** Of a hundred tokens, how many begin like something it has seen. */
  #take(body: string): number {
    let most = 0;
    for (const known of this.#known) {
      let common = 0;
      while (common < body.length && body[common] === known[common]) common++;
      most = Math.max(most, common / body.length);
    }
    this.#known.push(body);
    return Math.min(99, Math.floor(most * 100));
  }
}
