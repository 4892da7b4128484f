// A link to an engine under test, watched and known.

import { parseWorkerAddress } from "@loci/cluster";
import { greedySampling, systemClock } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { ForeignWorker } from "../worker/foreign-worker.ts";
import type { ForeignWorkerOptions } from "../worker/foreign-options.ts";
import { byteCodec } from "./byte-codec.ts";
import { RecordingListener } from "./recording-listener.ts";

export class OpenWorker implements AsyncDisposable {
  readonly worker: ForeignWorker;
  readonly listener: RecordingListener = new RecordingListener();

  private constructor(worker: ForeignWorker) {
    this.worker = worker;
    worker.watch(this.listener);
  }

  /** Resolves when the engine has said who it is. */
  static async open(url: string, options: Partial<ForeignWorkerOptions> = {}): Promise<OpenWorker> {
    const worker = new ForeignWorker({
      address: parseWorkerAddress(url),
      clock: systemClock,
      engine: "auto",
      codec: byteCodec,
      seed: 1,
      pollMs: 20,
      ...options,
    });
    const opened = new OpenWorker(worker);
    await opened.listener.next("hello");
    return opened;
  }

  async answer(request: GenerationRequest, signal?: AbortSignal): Promise<Answer> {
    const events: GenerationEvent[] = [];
    const never = new AbortController().signal;
    for await (const event of this.worker.generate(request, null, signal ?? never)) {
      events.push(event);
    }
    return answerOf(events);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.worker.checkIntegrity();
    await this.worker.close();
  }
}

export interface Answer {
  readonly events: readonly GenerationEvent[];
  readonly tokens: readonly number[];
  readonly text: string;
  readonly started: Extract<GenerationEvent, { type: "started" }> | undefined;
  readonly finished: Extract<GenerationEvent, { type: "finished" }> | undefined;
}

export function answerOf(events: readonly GenerationEvent[]): Answer {
  const [first, last] = [events[0], events.at(-1)];
  return {
    events,
    tokens: events.flatMap((event) => (event.type === "token" ? [event.tokenId] : [])),
    text: events.map((event) => (event.type === "started" ? "" : event.text)).join(""),
    started: first?.type === "started" ? first : undefined,
    finished: last?.type === "finished" ? last : undefined,
  };
}

/** A greedy request whose prompt is text in bytes. */
export function textRequest(
  prompt: string,
  parts: Partial<GenerationRequest> = {},
): GenerationRequest {
  return {
    id: prompt.slice(0, 8),
    tenant: "",
    promptTokens: Int32Array.from(new TextEncoder().encode(prompt)),
    maxTokens: 24,
    minTokens: 0,
    ignoreEos: true,
    stop: [],
    stopTokenIds: [],
    sampling: greedySampling,
    ...parts,
  };
}
