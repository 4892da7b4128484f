// One connection on which a worker tells who it is, what it holds and how it does; made again
// whenever it breaks. What was missed meanwhile the worker sends itself: the reader says how far it
// got.

import { setImmediate as nextTurn } from "node:timers/promises";

import { LociError, uniformAt } from "@loci/core";
import type { Clock } from "@loci/core";
import type { WorkerFacts } from "@loci/router";
import type { Pool } from "undici";
import { readJson } from "../wire/bounded-json.ts";
import { controlLineBytesMax, decodeControlLine, decodeKvSnapshot } from "../wire/control-lines.ts";
import type { ControlLine } from "../wire/control-lines.ts";
import { Fields } from "../wire/fields.ts";
import type { WorkerNumbers } from "../wire/generation-lines.ts";
import { WireError } from "../wire/wire-error.ts";
import { isNobodyThere } from "./failure-of.ts";
import { LineReader } from "./line-reader.ts";
import type { LinkListener } from "./worker-link.ts";
import type { WorkerVoice } from "./worker-sink.ts";

export interface ControlStreamParts {
  readonly url: string;
  readonly pool: Pool;
  readonly headers: Record<string, string>;
  readonly clock: Clock;
  readonly seed: number;
  readonly withBlocks: boolean;
  readonly silenceMsMax: number;
  readonly listener: LinkListener;
  /** The worker was reached, and has trunks or not. */
  readonly onTrunk: (hasTrunk: boolean) => void;
  /** The worker refuses to talk; told when that begins. */
  readonly onError: (error: LociError) => void;
}

/** Waits between attempts to connect: so long at first, growing to at most so long. */
const backoffMsMin = 20;
const backoffMsMax = 1000;
/** Snapshots are large: not asked for more often, however many events are lost. */
const snapshotMsMin = 1000;
const backoffGrowth = 1.5;
const jitter = 0.2;

export class ControlStream {
  readonly #parts: ControlStreamParts;
  readonly #abort = new AbortController();
  /** Who was heard last, and how far its events were read; null before the first hello. */
  #facts: WorkerFacts | null = null;
  #sequence: number | null = null;
  #attempts = 0;
  #draws = 0;
  #snapshotUnderWay = false;
  #snapshotAtMs = -Infinity;
  #complained = false;

  constructor(parts: ControlStreamParts) {
    this.#parts = parts;
    void this.#keepConnected();
  }

  close(): void {
    this.#abort.abort();
  }

  /** What the worker said of itself on another stream. */
  reported({ load, snapshot }: WorkerNumbers): void {
    const voice = this.#voice;
    if (voice !== null) this.#parts.listener.report(voice, load, snapshot);
  }

  requestSnapshot(): void {
    if (this.#snapshotUnderWay || this.#abort.signal.aborted) return;
    this.#snapshotUnderWay = true;
    const { clock } = this.#parts;
    const waitMs = Math.max(0, this.#snapshotAtMs + snapshotMsMin - clock.nowMs());
    if (waitMs === 0) void this.#fetchSnapshot();
    else clock.after(waitMs, () => void this.#fetchSnapshot());
  }

  get #voice(): WorkerVoice | null {
    const facts = this.#facts;
    return facts === null ? null : { workerId: facts.id, epoch: facts.epoch };
  }

  async #keepConnected(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.#read(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (isNobodyThere(error)) this.#parts.listener.gone();
      }
      await this.#pause(signal);
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { pool, headers, clock, silenceMsMax } = this.#parts;
    const path = `/worker/events?${this.#query().toString()}`;
    const { statusCode, body } = await pool.request({ method: "GET", path, headers, signal });
    if (statusCode !== 200) {
      await body.dump();
      this.#complain(statusCode);
      return;
    }
    this.#complained = false;
    const onHeard = (): void => {
      const voice = this.#voice;
      if (voice !== null) this.#parts.listener.heard(voice);
    };
    const bounds = { clock, silenceMsMax, lineBytesMax: controlLineBytesMax, onHeard };
    const lines = new LineReader(body, bounds);
    try {
      for (let isFirst = true; ; isFirst = false) {
        const value = await lines.next();
        if (value === undefined) return;
        const line = decodeControlLine(value);
        if (isFirst !== (line.kind === "hello")) throw new WireError("a stream has one hello");
        this.#take(line);
      }
    } finally {
      lines.destroy();
    }
  }

  #complain(status: number): void {
    if (this.#complained) return;
    this.#complained = true;
    const reason = status === 401 ? "it has another cluster key" : `status ${status}`;
    const { url, onError } = this.#parts;
    onError(new LociError("unavailable", `The worker at ${url} does not talk to us: ${reason}.`));
  }

  #query(): URLSearchParams {
    const query = new URLSearchParams();
    if (!this.#parts.withBlocks) query.set("blocks", "0");
    if (this.#facts === null || this.#sequence === null) return query;
    query.set("epoch", this.#facts.epoch);
    query.set("after", String(this.#sequence));
    return query;
  }

  #take(line: ControlLine): void {
    const { listener } = this.#parts;
    if (line.kind === "hello") {
      if (this.#facts?.epoch !== line.facts.epoch) this.#sequence = null;
      this.#facts = line.facts;
      this.#attempts = 0;
      listener.hello(line.facts);
      this.#parts.onTrunk(line.hasTrunk);
      return;
    }
    const voice = this.#voice;
    if (voice === null) return;
    if (line.kind === "load") listener.report(voice, line.load, line.snapshot, line.sequence);
    else if (line.kind === "draining") listener.draining(voice);
    else if (line.kind === "batch") {
      this.#sequence = line.batch.sequence;
      listener.events(voice, line.batch);
    } else {
      this.#sequence = line.snapshot.sequence;
      listener.snapshot(voice, line.snapshot);
    }
  }

  async #fetchSnapshot(): Promise<void> {
    const { pool, headers, listener } = this.#parts;
    try {
      const { signal } = this.#abort;
      const path = "/worker/snapshot";
      const { statusCode, body } = await pool.request({ method: "GET", path, headers, signal });
      const fields = new Fields(await readJson(body, controlLineBytesMax));
      // Large: to read it and to make names of it are turns of their own.
      await nextTurn();
      const voice = this.#voice;
      if (statusCode !== 200 || voice === null) return;
      const epoch = fields.text("epoch", 256);
      if (epoch === voice.epoch) listener.snapshot(voice, decodeKvSnapshot(fields));
    } catch {
      // It cannot be had now; who still wants it asks again.
    } finally {
      this.#snapshotUnderWay = false;
      this.#snapshotAtMs = this.#parts.clock.nowMs();
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    const spread = 1 + jitter * (2 * uniformAt(this.#parts.seed, this.#draws++) - 1);
    const growth = backoffGrowth ** this.#attempts;
    this.#attempts = Math.min(this.#attempts + 1, 20);
    const delayMs = Math.min(backoffMsMax, backoffMsMin * growth) * spread;
    return new Promise((resolve) => {
      const cancel = this.#parts.clock.after(delayMs, () => {
        signal.removeEventListener("abort", stop);
        resolve();
      });
      const stop = (): void => {
        cancel();
        resolve();
      };
      signal.addEventListener("abort", stop, { once: true });
    });
  }
}
