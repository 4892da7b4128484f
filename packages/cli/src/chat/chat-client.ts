// The client side of one conversation: messages in, text of the answer out, over the HTTP API.

import { LociError } from "@loci/core";
import { createParser } from "eventsource-parser";
import { fetch } from "undici";

export interface ChatTurn {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface ChatClientOptions {
  /** Address of the server, with or without `/v1`. */
  readonly url: string;
  readonly apiKey: string | null;
  readonly maxTokens: number | null;
  readonly temperature: number | null;
}

/** An error body longer than this is cut before it is read as JSON. */
const errorCharsMax = 16_384;

export class ChatClient {
  readonly #options: ChatClientOptions;
  readonly #base: string;
  #model: string | null = null;

  constructor(options: ChatClientOptions) {
    this.#options = options;
    this.#base = `${options.url.replace(/\/+$/, "").replace(/\/v1$/, "")}/v1`;
  }

  /** The model's name, asked for once. Throws LociError when the server cannot be reached. */
  async model(): Promise<string> {
    this.#model ??= await this.#firstModel();
    return this.#model;
  }

  /** The answer to `turns`, piece by piece. Aborting `signal` ends it and cancels it there. */
  async *answer(turns: readonly ChatTurn[], signal: AbortSignal): AsyncGenerator<string> {
    const { maxTokens, temperature } = this.#options;
    const response = await this.#request("/chat/completions", signal, {
      model: await this.model(),
      messages: turns,
      stream: true,
      ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
      ...(temperature === null ? {} : { temperature }),
    });
    for await (const data of eventData(response, signal)) {
      if (data === "[DONE]") return;
      const piece = pieceOf(parseJson(data));
      if (piece !== "") yield piece;
    }
    throw new LociError("unavailable", "The server ended the answer before it was complete.");
  }

  async #firstModel(): Promise<string> {
    const response = await this.#request("/models", AbortSignal.timeout(10_000), null);
    const [first] = list(member(parseJson(await response.text()), "data"));
    const id = member(first, "id");
    if (typeof id === "string") return id;
    throw new LociError("unavailable", `${this.#base} does not name a model.`);
  }

  async #request(path: string, signal: AbortSignal, body: unknown): Promise<Body> {
    const { apiKey } = this.#options;
    const authorization = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
    const init =
      body === null
        ? { headers: authorization }
        : {
            method: "POST",
            headers: { "content-type": "application/json", ...authorization },
            body: JSON.stringify(body),
          };
    const response = await fetch(this.#base + path, { ...init, signal }).catch((error: unknown) => {
      if (signal.aborted) throw error;
      throw unreachableServer(this.#base, error);
    });
    if (!response.ok) throw refusal(response.status, await response.text());
    return response;
  }
}

type Body = Awaited<ReturnType<typeof fetch>>;

async function* eventData(response: Body, signal: AbortSignal): AsyncGenerator<string> {
  const pending: string[] = [];
  const parser = createParser({ onEvent: (event) => pending.push(event.data) });
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body ?? []) {
      parser.feed(decoder.decode(chunk, { stream: true }));
      yield* pending.splice(0);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new LociError("unavailable", "The connection to the server broke.", { cause: error });
  }
}

/** The text one chunk adds; throws when the chunk is an error. */
function pieceOf(chunk: unknown): string {
  const error = member(chunk, "error");
  if (error !== undefined) {
    throw new LociError("unavailable", `The server stopped: ${messageOf(error)}`);
  }
  const [choice] = list(member(chunk, "choices"));
  const content = member(member(choice, "delta"), "content");
  return typeof content === "string" ? content : "";
}

function refusal(status: number, text: string): LociError {
  const error = member(parseJson(text.slice(0, errorCharsMax)), "error");
  const message = error === undefined ? text.slice(0, 200) : messageOf(error);
  return new LociError(
    status === 401 ? "unauthorized" : "unavailable",
    `The server answered ${status}: ${message}`,
    status === 401 ? { remedy: "Give its key by --api-key." } : {},
  );
}

function unreachableServer(url: string, cause: unknown): LociError {
  return new LociError("unavailable", `No server answers at ${url}.`, {
    remedy: "Start one with loci serve, or leave out --url.",
    cause,
  });
}

function messageOf(error: unknown): string {
  const message = member(error, "message");
  return typeof message === "string" ? message : JSON.stringify(error);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is not JSON has none of the members that are looked for.
    return null;
  }
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return new Map(Object.entries(value)).get(name);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
