// A worker of ours, over HTTP: a stream tells what the worker holds and how it does, and answers come
// over a trunk, or where there is none, each over a stream of its own.

import { LociError } from "@loci/core";
import type {
  CachedChain,
  CacheMatch,
  Clock,
  DeletedTokens,
  GenerationEvent,
  GenerationRequest,
  RequestStory,
  ServiceView,
} from "@loci/core";
import type { Pool } from "undici";
import type { WorkerAddress } from "../address/worker-address.ts";
import type { ClusterKey } from "../cluster-key.ts";
import { readJson } from "../wire/bounded-json.ts";
import {
  decodeChains,
  decodeMatch,
  encodeErasure,
  encodeTenantTokens,
} from "../wire/cache-bodies.ts";
import { Fields } from "../wire/fields.ts";
import { bodyBounds, encodeGenerationBody } from "../wire/generation-body.ts";
import { decodeStory, decodeView, viewBytesMax } from "../wire/observation-bodies.ts";
import { answerLineBytesMax, decodeAnswerLine, decodeError } from "../wire/generation-lines.ts";
import type { AnswerLines } from "./answer-lines.ts";
import { AttemptError } from "./attempt-error.ts";
import { ControlStream } from "./control-stream.ts";
import { attemptErrorOf, toldError } from "./failure-of.ts";
import { openPool } from "./open-pool.ts";
import { LineReader } from "./line-reader.ts";
import { TrunkKeeper } from "./trunk-keeper.ts";
import type { FetchOrder, LinkListener, WorkerLink } from "./worker-link.ts";

export interface HttpWorkerLinkOptions {
  readonly address: WorkerAddress;
  readonly key: ClusterKey | null;
  readonly clock: Clock;
  /** For the spread of attempts to connect. */
  readonly seed: number;
  /** False where another way (NATS) tells what the worker holds. Default true. */
  readonly withBlocks?: boolean;
  /** A stream on which nothing came for so long is broken; default 5 s. */
  readonly silenceMsMax?: number;
  /** Streams and calls at once; default 4096. */
  readonly connectionsMax?: number;
  /** The worker refuses to talk: the operator should look. */
  readonly onError?: (error: LociError) => void;
}

/** Cache calls are answered within so long; erasing waits for disks. */
const callMsMax = 10_000;
const eraseMsMax = 120_000;
const fetchMsMax = 30_000;
const errorBytesMax = 65_536;

interface Call {
  readonly path: string;
  /** Absent: nothing is sent, the answer is only read. */
  readonly body?: object;
  readonly msMax: number;
  /** Of the answer. */
  readonly bytesMax?: number;
  readonly signal?: AbortSignal;
}

export class HttpWorkerLink implements WorkerLink {
  readonly url: string;
  readonly #options: HttpWorkerLinkOptions;
  readonly #silenceMsMax: number;
  readonly #pool: Pool;
  readonly #headers: Record<string, string>;
  readonly #trunks: TrunkKeeper;
  #control: ControlStream | null = null;
  #closed = false;

  constructor(options: HttpWorkerLinkOptions) {
    const { address, key, silenceMsMax = 5000, connectionsMax = 4096 } = options;
    this.url = address.url;
    this.#options = options;
    this.#silenceMsMax = silenceMsMax;
    this.#pool = openPool(address, { connectionsMax });
    this.#headers = {
      "content-type": "application/json",
      ...(key && { authorization: key.authorization }),
    };
    this.#trunks = new TrunkKeeper({
      pool: this.#pool,
      headers: key === null ? {} : { authorization: key.authorization },
      clock: options.clock,
      silenceMsMax: this.#silenceMsMax,
    });
  }

  watch(listener: LinkListener): void {
    const { clock, seed, withBlocks = true } = this.#options;
    const { authorization } = this.#headers;
    this.#control = new ControlStream({
      url: this.url,
      onError: this.#options.onError ?? (() => undefined),
      pool: this.#pool,
      headers: authorization === undefined ? {} : { authorization },
      clock,
      seed,
      withBlocks,
      silenceMsMax: this.#silenceMsMax,
      listener,
      onTrunk: (hasTrunk) => this.#trunks.offered(hasTrunk),
    });
  }

  async *generate(
    request: GenerationRequest,
    fetch: FetchOrder | null,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    let lines: AnswerLines | null = null;
    try {
      lines = await this.#ask(encodeGenerationBody({ request, fetch }), signal);
      for (;;) {
        const event = this.#eventOf(await lines.next());
        if (event === null) continue;
        if (event.type === "finished") {
          // The connection is left to its end, and used again.
          lines.release();
          lines = null;
          yield event;
          return;
        }
        yield event;
      }
    } catch (error) {
      if (signal.aborted) throw new LociError("cancelled", "The request was cancelled.");
      if (error instanceof LociError) throw error;
      throw attemptErrorOf(error);
    } finally {
      lines?.destroy();
    }
  }

  /** Answers come together, over one connection; else each over its own. */
  get hasTrunk(): boolean {
    return this.#trunks.trunk !== null;
  }

  requestSnapshot(): void {
    this.#control?.requestSnapshot();
  }

  async cachedChains(tenant: string, limit: number): Promise<readonly CachedChain[]> {
    const body = { ...encodeTenantTokens({ tenant, tokens: null }), limit };
    return decodeChains(await this.#call({ path: "/worker/chains", body, msMax: callMsMax }));
  }

  async matchPrompt(tenant: string, promptTokens: Int32Array): Promise<CacheMatch> {
    const body = encodeTenantTokens({ tenant, tokens: promptTokens });
    return decodeMatch(await this.#call({ path: "/worker/match", body, msMax: callMsMax }));
  }

  async forgetCached(tenant: string, tokens: Int32Array | null): Promise<number> {
    const body = encodeTenantTokens({ tenant, tokens });
    const answer = await this.#call({ path: "/worker/forget", body, msMax: callMsMax });
    return new Fields(answer).integer("blocks");
  }

  async eraseCached(tenant: string, deleted: DeletedTokens | null): Promise<void> {
    const body = encodeErasure(tenant, deleted);
    await this.#call({ path: "/worker/erase", body, msMax: eraseMsMax });
  }

  async view(workers: number, signal: AbortSignal): Promise<ServiceView | null> {
    const path = `/worker/observe?workers=${workers}`;
    const call = { path, msMax: callMsMax, bytesMax: viewBytesMax, signal };
    return this.#read(call, decodeView);
  }

  async story(requestId: string, signal: AbortSignal): Promise<RequestStory | null> {
    const path = `/worker/story?id=${encodeURIComponent(requestId)}`;
    const call = { path, msMax: callMsMax, bytesMax: viewBytesMax, signal };
    return this.#read(call, decodeStory);
  }

  async fetchBlocks(tenant: string, tokens: Int32Array, order: FetchOrder): Promise<number> {
    const body = { ...encodeTenantTokens({ tenant, tokens }), fetch: order };
    const answer = await this.#call({ path: "/worker/fetch", body, msMax: fetchMsMax });
    return new Fields(answer).integer("blocks");
  }

  async drain(): Promise<void> {
    await this.#call({ path: "/worker/drain", body: {}, msMax: callMsMax });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#control?.close();
    this.#trunks.close();
    await this.#pool.destroy();
  }

  /** Sends a request; the lines of its answer. */
  async #ask(body: string, signal: AbortSignal): Promise<AnswerLines> {
    const { trunk } = this.#trunks;
    if (trunk !== null) return trunk.ask(body, signal);
    const answer = await this.#pool.request({
      method: "POST",
      path: "/worker/generate",
      headers: this.#headers,
      body,
      signal,
      // The head comes at once, before any work.
      headersTimeout: this.#silenceMsMax,
    });
    if (answer.statusCode !== 200) throw await refusalOf(answer.body);
    return new LineReader(answer.body, {
      clock: this.#options.clock,
      silenceMsMax: this.#silenceMsMax,
      lineBytesMax: answerLineBytesMax,
    });
  }

  /** Null for a line that is for us. Throws what the worker told, or that it told nothing. */
  #eventOf(value: unknown): GenerationEvent | null {
    if (value === undefined) {
      throw new AttemptError("worker_lost", "The worker broke off its answer.");
    }
    const line = decodeAnswerLine(value);
    if (line.kind === "event") return line.event;
    if (line.kind === "error") throw toldError(line.error);
    this.#control?.reported(line.numbers);
    return null;
  }

  /** A worker that sends nonsense does not answer. */
  async #read<T>(call: Call, decode: (body: unknown) => T): Promise<T> {
    const body = await this.#call(call);
    try {
      return decode(body);
    } catch (error) {
      throw new LociError("unavailable", "A worker sent nonsense.", { cause: error });
    }
  }

  async #call({ path, body, msMax, bytesMax, signal }: Call): Promise<unknown> {
    try {
      const answer = await this.#pool.request({
        method: body === undefined ? "GET" : "POST",
        path,
        headers: this.#headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal !== undefined && { signal }),
        headersTimeout: msMax,
        bodyTimeout: callMsMax,
      });
      if (answer.statusCode !== 200) throw await refusalOf(answer.body);
      return await readJson(answer.body, bytesMax ?? bodyBounds.bodyBytesMax);
    } catch (error) {
      if (error instanceof LociError) throw error;
      const cause = attemptErrorOf(error);
      throw new LociError("unavailable", "A worker does not answer.", { cause });
    }
  }
}

async function refusalOf(body: AsyncIterable<Uint8Array>): Promise<AttemptError | LociError> {
  return toldError(decodeError(new Fields(await readJson(body, errorBytesMax))));
}
