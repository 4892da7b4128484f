// Which conversation a session's key stands for. The key is a digest, so that engines learn no
// names; whoever owns the conversation may be told.

import { assert } from "@loci/core";

/** Sessions remembered; those used longest ago go first. */
const namesMax = 4096;

export class ConversationNames {
  /** Least recently used first. */
  readonly #names = new Map<string, { readonly tenant: string; readonly conversationId: string }>();

  note(sessionKey: string, tenant: string, conversationId: string): void {
    this.#names.delete(sessionKey);
    this.#names.set(sessionKey, { tenant, conversationId });
    if (this.#names.size <= namesMax) return;
    for (const oldest of this.#names.keys()) {
      this.#names.delete(oldest);
      return;
    }
  }

  /** Null when it is not known, or another tenant's. */
  find(sessionKey: string | null, tenant: string): string | null {
    const found = sessionKey === null ? undefined : this.#names.get(sessionKey);
    return found?.tenant === tenant ? found.conversationId : null;
  }

  /** Of these sessions those that are known, by their keys. */
  ofSessions(
    sessionKeys: Iterable<string | null>,
    tenant: string,
  ): Readonly<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const key of sessionKeys) {
      const conversationId = this.find(key, tenant);
      if (key !== null && conversationId !== null) found[key] = conversationId;
    }
    return found;
  }

  checkIntegrity(): void {
    assert(this.#names.size <= namesMax, "remembered sessions are bounded");
  }
}
