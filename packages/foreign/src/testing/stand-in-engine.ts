// An engine as vLLM or SGLang speak, over real sockets: HTTP with streamed token ids, Prometheus
// numbers, a prefix cache of whole blocks, and its events over ZeroMQ. It computes nothing; what it
// says is a function of the tokens. It can be told to fail in the ways engines do.

import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { assert } from "@loci/core";
import { countAt, fieldAt, listAt, stringAt } from "../http/fields.ts";
import { endToken } from "./byte-codec.ts";
import type { EventPublisher } from "./event-publisher.ts";
import { nextToken } from "./stand-in-model.ts";

export interface StandInOptions {
  readonly kind?: "vllm" | "sglang";
  readonly publisher?: EventPublisher;
  readonly port?: number;
  /** SGLang: each chunk has all tokens so far. */
  readonly isCumulative?: boolean;
  /** vLLM: says how much of a prompt was cached. */
  readonly tellsCached?: boolean;
  readonly startedUnixSeconds?: number;
  /** Its ids are so much higher than the bytes they stand for. */
  readonly vocabularyShift?: number;
}

/** What happens to the next request; then all is well again. */
export interface Mishap {
  /** Answered with this status instead. */
  readonly status?: number;
  /** After so many tokens the connection breaks, or nothing more comes. */
  readonly breaksAfter?: number;
  readonly stallsAfter?: number;
}

const standInBlockTokens = 16;
const contextTokensMax = 4096;

interface Ask {
  readonly tokens: readonly number[];
  readonly maxTokens: number;
  readonly minTokens: number;
  readonly ignoreEos: boolean;
  readonly stopTokenIds: readonly number[];
  readonly salt: string;
}

export class StandInEngine implements AsyncDisposable {
  readonly #options: StandInOptions;
  readonly #server: Server;
  /** Block key → its hash; keys are salt and tokens. */
  readonly #blocks = new Map<string, bigint>();
  readonly bodies: unknown[] = [];
  /** Of the same requests; undefined where none was sent. */
  readonly traceparents: unknown[] = [];
  #mishap: Mishap = {};
  #hashes = 1n;
  #running = 0;
  /** Requests whose client left before their end. */
  #abandoned = 0;
  #onAbandoned: () => void = () => undefined;

  private constructor(options: StandInOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  static async open(options: StandInOptions = {}): Promise<StandInEngine> {
    const engine = new StandInEngine(options);
    await new Promise<void>((resolve) => {
      engine.#server.listen(options.port ?? 0, "127.0.0.1", resolve);
    });
    return engine;
  }

  get port(): number {
    const address = this.#server.address();
    assert(typeof address === "object" && address !== null, "the server listens");
    return address.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get abandoned(): number {
    return this.#abandoned;
  }

  get running(): number {
    return this.#running;
  }

  set mishap(mishap: Mishap) {
    this.#mishap = mishap;
  }

  /** Resolves when the next client leaves before its answer's end. */
  nextAbandoned(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAbandoned = resolve;
    });
  }

  /** Gives up its whole cache. */
  async clear(): Promise<void> {
    this.#blocks.clear();
    await this.#options.publisher?.publish([{ type: "AllBlocksCleared" }]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sent = await text(request);
    const { status } = this.#mishap;
    if (request.method === "POST" && status !== undefined) {
      this.#mishap = {};
      this.#json(response, { error: { message: `status ${status}`, code: status } }, status);
      return;
    }
    if (request.method === "GET") {
      this.#get(request.url ?? "", response);
      return;
    }
    const body: unknown = JSON.parse(sent);
    if (request.url === "/tokenize") {
      const shift = this.#options.vocabularyShift ?? 0;
      const bytes = new TextEncoder().encode(stringAt(body, "prompt") ?? "");
      this.#json(response, { tokens: Array.from(bytes, (byte) => byte + shift) });
      return;
    }
    this.bodies.push(body);
    this.traceparents.push(request.headers["traceparent"]);
    await this.#answer(response, body);
  }

  #get(path: string, response: ServerResponse): void {
    const kind = this.#options.kind ?? "vllm";
    if (path === "/v1/models") {
      const model = { id: "stand-in", owned_by: kind, max_model_len: contextTokensMax };
      this.#json(response, { object: "list", data: [model] });
    } else if (path === "/health") this.#json(response, {});
    else if (path === "/metrics") response.end(this.#metrics(kind));
    else if (path === "/version" && kind === "vllm") this.#json(response, { version: "0.26.0" });
    else if (path === "/get_server_info" && kind === "sglang") {
      this.#json(response, { version: "0.5.6", page_size: 1, max_total_num_tokens: 16_000 });
    } else this.#json(response, { detail: "Not Found" }, 404);
  }

  #metrics(kind: string): string {
    const started = `process_start_time_seconds ${this.#options.startedUnixSeconds ?? 1000}\n`;
    if (kind === "sglang") return `sglang:num_running_reqs ${this.#running}\n${started}`;
    const labels = `block_size="${standInBlockTokens}",num_gpu_blocks="1000"`;
    return `vllm:num_requests_running{engine="0"} ${this.#running}\nvllm:num_requests_waiting 0
vllm:kv_cache_usage_perc 0.1\nvllm:cache_config_info{${labels}} 1.0\n${started}`;
  }

  async #answer(response: ServerResponse, body: unknown): Promise<void> {
    const ask = this.#options.kind === "sglang" ? sglangAsk(body) : vllmAsk(body);
    const mishap = this.#mishap;
    this.#mishap = {};
    if (ask.tokens.length + ask.maxTokens > contextTokensMax) {
      this.#json(response, { error: { message: "exceeds the maximum context length" } }, 400);
      return;
    }
    const cached = await this.#take(ask);
    this.#running++;
    response.on("close", () => {
      this.#running--;
      if (response.writableFinished) return;
      this.#abandoned++;
      this.#onAbandoned();
    });
    response.writeHead(200, { "content-type": "text/event-stream" });
    const sent: number[] = [];
    let finish: string | null = null;
    while (finish === null && !response.closed) {
      if (mishap.breaksAfter === sent.length) {
        response.destroy();
        return;
      }
      if (mishap.stallsAfter === sent.length) return;
      const mayEnd = !ask.ignoreEos && sent.length >= ask.minTokens;
      const token = nextToken([...ask.tokens, ...sent], mayEnd);
      sent.push(token);
      const isStop = token === endToken || ask.stopTokenIds.includes(token);
      if (isStop && sent.length > ask.minTokens) finish = "stop";
      else if (sent.length >= ask.maxTokens) finish = "length";
      await this.#chunk(response, { ask, sent, finish, cached });
    }
    if (response.closed) return;
    await this.#take({ ...ask, tokens: [...ask.tokens, ...sent] });
    response.end("data: [DONE]\n\n");
  }

  /** Lets the socket take what was written, as an engine's step would. */
  async #chunk(response: ServerResponse, state: ChunkState): Promise<void> {
    const { isCumulative = true, tellsCached = true } = this.#options;
    const chunks =
      this.#options.kind === "sglang"
        ? [sglangChunk(state, isCumulative)]
        : vllmChunks(state, tellsCached);
    for (const chunk of chunks) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  /** Tokens of whole blocks that it has; those it had not are stored, and told. */
  async #take({ tokens, salt }: Pick<Ask, "tokens" | "salt">): Promise<number> {
    const size = this.#options.kind === "sglang" ? 1 : standInBlockTokens;
    let cached = 0;
    let parent: bigint | null = null;
    for (let end = size; end <= tokens.length; end += size) {
      const key = `${salt}:${tokens.slice(0, end).join(",")}`;
      const known = this.#blocks.get(key);
      const hash = known ?? this.#hashes++ * 0x9e3779b97f4a7c15n;
      if (known !== undefined && cached === end - size) cached = end;
      if (known === undefined) {
        this.#blocks.set(key, hash);
        const block = { tokens: tokens.slice(end - size, end), hash, parent, salt, size };
        await this.#options.publisher?.publish([this.#storedEvent(block)]);
      }
      parent = hash;
    }
    // The last token is always computed.
    return Math.min(cached, Math.floor((tokens.length - 1) / size) * size);
  }

  #storedEvent({ tokens, hash, parent, salt, size }: StoredBlock): unknown {
    const [own, before] = [BigInt.asUintN(64, hash), parent && BigInt.asUintN(64, parent)];
    if (this.#options.kind === "sglang") return ["BlockStored", [own], before, tokens, size, null];
    return {
      type: "BlockStored",
      block_hashes: [own],
      parent_block_hash: before,
      token_ids: tokens,
      block_size: size,
      lora_id: null,
      medium: "GPU",
      lora_name: null,
      extra_keys: [parent === null && salt !== "" ? [salt] : null],
      group_idx: 0,
      kv_cache_spec_kind: "full_attention",
    };
  }

  #json(response: ServerResponse, body: unknown, status = 200): void {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  }
}

interface StoredBlock {
  readonly tokens: readonly number[];
  readonly hash: bigint;
  readonly parent: bigint | null;
  readonly salt: string;
  readonly size: number;
}

interface ChunkState {
  readonly ask: Ask;
  readonly sent: readonly number[];
  readonly finish: string | null;
  readonly cached: number;
}

function vllmAsk(body: unknown): Ask {
  return {
    tokens: numbersAt(body, "prompt"),
    maxTokens: countAt(body, "max_tokens") ?? 16,
    minTokens: countAt(body, "min_tokens") ?? 0,
    ignoreEos: fieldAt(body, "ignore_eos") === true,
    stopTokenIds: numbersAt(body, "stop_token_ids"),
    salt: stringAt(body, "cache_salt") ?? "",
  };
}

function sglangAsk(body: unknown): Ask {
  const params = fieldAt(body, "sampling_params");
  return {
    tokens: numbersAt(body, "input_ids"),
    maxTokens: countAt(params, "max_new_tokens") ?? 128,
    minTokens: countAt(params, "min_new_tokens") ?? 0,
    ignoreEos: fieldAt(params, "ignore_eos") === true,
    stopTokenIds: numbersAt(params, "stop_token_ids"),
    salt: stringAt(body, "extra_key") ?? "",
  };
}

function numbersAt(value: unknown, field: string): readonly number[] {
  return listAt(value, field).filter((item) => typeof item === "number");
}

function vllmChunks({ ask, sent, finish, cached }: ChunkState, tells: boolean): readonly unknown[] {
  const token = sent.at(-1) ?? 0;
  const choice = {
    index: 0,
    text: String.fromCodePoint(token),
    logprobs: null,
    finish_reason: finish,
    stop_reason: ask.stopTokenIds.includes(token) ? token : null,
    token_ids: [token],
    ...(sent.length === 1 ? { prompt_token_ids: ask.tokens } : {}),
  };
  const counts = { prompt_tokens: ask.tokens.length, completion_tokens: sent.length };
  const chunk = { id: "cmpl-1", object: "text_completion", choices: [choice], usage: counts };
  if (finish === null) return [chunk];
  const details = tells ? { prompt_tokens_details: { cached_tokens: cached } } : {};
  return [chunk, { id: "cmpl-1", choices: [], usage: { ...counts, ...details } }];
}

function sglangChunk({ ask, sent, finish, cached }: ChunkState, isCumulative: boolean): unknown {
  const token = sent.at(-1) ?? 0;
  const matched = finish === "stop" ? { type: "stop", matched: token } : { type: finish };
  return {
    text: "",
    output_ids: isCumulative ? sent : [token],
    meta_info: {
      id: "1",
      finish_reason: finish === null ? null : matched,
      prompt_tokens: ask.tokens.length,
      completion_tokens: sent.length,
      cached_tokens: cached,
    },
  };
}
