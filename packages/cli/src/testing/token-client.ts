// Token ids in, token ids out, over the HTTP API: for tests that compare answers exactly.

import { createParser } from "eventsource-parser";

export interface TokenRequest {
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly apiKey?: string;
}

export interface TokenAnswer {
  readonly tokens: number[];
  /** Null when the answer was cut off. */
  cachedTokens: number | null;
}

interface Chunk {
  readonly choices: readonly { readonly token_ids?: readonly number[] }[];
  readonly usage?: { readonly prompt_tokens_details: { readonly cached_tokens: number } } | null;
}

export class TokenClient {
  readonly #url: string;
  /** Called with every piece of every answer. */
  readonly #onPiece: () => void;

  constructor(url: string, onPiece: () => void = () => {}) {
    this.#url = url;
    this.#onPiece = onPiece;
  }

  /** The greedy answer; what came of it when the server dies or `signal` aborts. */
  async complete(request: TokenRequest, signal?: AbortSignal): Promise<TokenAnswer> {
    const answer: TokenAnswer = { tokens: [], cachedTokens: null };
    const parser = createParser({
      onEvent: ({ data }) => {
        if (data === "[DONE]") return;
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what our own server sends
        const { choices, usage } = JSON.parse(data) as Chunk;
        for (const { token_ids: tokenIds = [] } of choices) answer.tokens.push(...tokenIds);
        if (usage) answer.cachedTokens = usage.prompt_tokens_details.cached_tokens;
      },
    });
    let response: Response;
    try {
      response = await this.#send(request, signal);
    } catch {
      return answer;
    }
    if (!response.ok || response.body === null) throw new Error(await response.text());
    try {
      for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
        parser.feed(text);
        this.#onPiece();
      }
    } catch {
      // Cut off.
    }
    return answer;
  }

  /** The value of a metric, labels included in `name`; summed over all that begin with it. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    const values = text.split("\n").filter((line) => line.startsWith(name));
    return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  }

  #send({ prompt, maxTokens, apiKey }: TokenRequest, signal?: AbortSignal): Promise<Response> {
    return fetch(`${this.#url}/v1/completions`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({
        prompt,
        max_tokens: maxTokens,
        temperature: 0,
        ignore_eos: true,
        return_token_ids: true,
        stream: true,
        stream_options: { include_usage: true },
      }),
      ...(signal && { signal }),
    });
  }
}
