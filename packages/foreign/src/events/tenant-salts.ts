// Which tenant's blocks an engine tells of. It knows our salts, if anything, and a router's names
// need tenants: this remembers which salt was made for whom, and who asked for which beginning.

import { createHash } from "node:crypto";
import { blockName, rootBlockName } from "@loci/core";

const rememberedMax = 8192;

export class TenantSalts {
  readonly #isolates: boolean;
  readonly #tenantsBySalt = new Map<string, string>();
  readonly #tenantsByOpening = new Map<number, string>();

  constructor(isolates: boolean) {
    this.#isolates = isolates;
  }

  /** What is sent with a tenant's requests; null: nothing to keep apart. */
  saltFor(tenant: string): string | null {
    if (!this.#isolates || tenant === "") return null;
    // Not the tenant's name itself: the engine's other users could guess it.
    const salt = createHash("sha256").update(`loci-cache-salt:${tenant}`).digest("base64url");
    remember(this.#tenantsBySalt, salt, tenant);
    return salt;
  }

  /** A prompt goes out whose first engine block has these tokens. */
  sent(tenant: string, firstTokens: Int32Array): void {
    if (firstTokens.length > 0) remember(this.#tenantsByOpening, openingOf(firstTokens), tenant);
  }

  /** The tenant of a first block, or the salt itself where it is not ours; see BlockNamer. */
  tenantOf(salt: string | null, firstTokens: Int32Array): string {
    if (salt === null || !this.#isolates) {
      return this.#tenantsByOpening.get(openingOf(firstTokens)) ?? "";
    }
    return this.#tenantsBySalt.get(salt) ?? salt;
  }
}

function openingOf(tokens: Int32Array): number {
  return blockName(rootBlockName(""), tokens, 0, tokens.length);
}

function remember<Key>(map: Map<Key, string>, key: Key, tenant: string): void {
  map.delete(key);
  map.set(key, tenant);
  if (map.size <= rememberedMax) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
