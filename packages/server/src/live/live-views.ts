// Takes the looks that pages are sent: the service's totals, what is observed of its work, and how
// fast it goes.

import type { Clock, GenerationService, LiveView, ModelInfo, Observable } from "@loci/core";
import type { FrameOf } from "./live-hub.ts";
import type { ConversationNames } from "./conversation-names.ts";
import { RateWindow } from "./live-rates.ts";
import { ownView, type OwnerOf } from "./own-view.ts";

export interface LiveViewParts {
  readonly service: GenerationService;
  readonly observation: Observable | null;
  readonly model: ModelInfo;
  readonly version: string;
  readonly clock: Clock;
  readonly ownerOf: OwnerOf;
  readonly conversationNames: ConversationNames;
  /** Whether tenants are told apart at all. */
  readonly keysNeeded: boolean;
  /** An observation that failed is left out; it is told here. */
  readonly onFailure: (error: unknown) => void;
}

/** What a look shows of all tenants. */
type Look = Omit<LiveView, "conversations">;

export class LiveViews {
  readonly #parts: LiveViewParts;
  readonly #rates = new RateWindow();
  readonly #startMs: number;
  readonly #startUnixMs: number;

  constructor(parts: LiveViewParts) {
    this.#parts = parts;
    this.#startMs = parts.clock.nowMs();
    this.#startUnixMs = parts.clock.unixSeconds() * 1000;
  }

  /** A look, as text for whoever asks. Never rejects. */
  async look(): Promise<FrameOf> {
    const { service, model, version, clock } = this.#parts;
    const view = await this.#observed();
    const snapshot = service.snapshot();
    const nowMs = clock.nowMs();
    const sinceStartMs = nowMs - this.#startMs;
    const look: Look = {
      atMs: Math.round(this.#startUnixMs + sinceStartMs),
      uptimeSeconds: Math.floor(sinceStartMs / 1000),
      version,
      model: { id: model.id, contextTokens: model.contextTokensMax },
      service: snapshot,
      view,
      rates: this.#rates.next(snapshot, nowMs),
    };
    return (tenant) => JSON.stringify(this.#asSeenBy(tenant, look));
  }

  /** Nobody has looked for a while. */
  forget(): void {
    this.#rates.clear();
  }

  #asSeenBy(tenant: string, look: Look): LiveView {
    const { keysNeeded, ownerOf, conversationNames } = this.#parts;
    if (look.view === null) return { ...look, conversations: {} };
    const view = keysNeeded ? ownView(look.view, tenant, ownerOf) : look.view;
    const sessions = [...view.requests, ...view.sequences].map(({ session }) => session);
    return { ...look, view, conversations: conversationNames.ofSessions(sessions, tenant) };
  }

  async #observed(): Promise<LiveView["view"]> {
    const { observation, onFailure } = this.#parts;
    try {
      return observation === null ? null : await observation.view();
    } catch (error) {
      onFailure(error);
      return null;
    }
  }
}
