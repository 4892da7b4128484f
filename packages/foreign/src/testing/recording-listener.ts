// A link's listener that keeps all it is told, as a router would see it.

import type { LinkListener, WorkerVoice } from "@loci/cluster";
import type { KvEventBatch, KvSnapshot, WorkerLoad } from "@loci/core";
import type { WorkerFacts } from "@loci/router";
import { Gathered } from "./gathered.ts";

export type Told =
  | { readonly type: "hello"; readonly facts: WorkerFacts }
  | { readonly type: "gone" }
  | { readonly type: "report"; readonly voice: WorkerVoice; readonly load: WorkerLoad }
  | { readonly type: "events"; readonly voice: WorkerVoice; readonly batch: KvEventBatch }
  | { readonly type: "snapshot"; readonly voice: WorkerVoice; readonly snapshot: KvSnapshot };

export class RecordingListener implements LinkListener {
  readonly told: Gathered<Told> = new Gathered();

  hello(facts: WorkerFacts): void {
    this.told.push({ type: "hello", facts });
  }

  gone(): void {
    this.told.push({ type: "gone" });
  }

  draining(): void {
    // Engines are not asked to drain.
  }

  heard(): void {
    // A report is heard, too.
  }

  report(voice: WorkerVoice, load: WorkerLoad): void {
    this.told.push({ type: "report", voice, load });
  }

  events(voice: WorkerVoice, batch: KvEventBatch): void {
    this.told.push({ type: "events", voice, batch });
  }

  snapshot(voice: WorkerVoice, snapshot: KvSnapshot): void {
    this.told.push({ type: "snapshot", voice, snapshot });
  }

  /** Resolves once something of that type came that `matches`. */
  async next<Type extends Told["type"]>(
    type: Type,
    matches: (told: Extract<Told, { type: Type }>) => boolean = () => true,
  ): Promise<void> {
    await this.told.until(() => this.all(type).some((told) => matches(told)));
  }

  all<Type extends Told["type"]>(type: Type): readonly Extract<Told, { type: Type }>[] {
    return this.told.items.filter(
      (told): told is Extract<Told, { type: Type }> => told.type === type,
    );
  }
}
