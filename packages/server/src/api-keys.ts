// Who calls. Keys are kept as SHA-256 digests and compared in constant time against every one of
// them; the digest's prefix names the tenant, whose cache nobody else shares.

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { assert, LociError } from "@loci/core";

/** The tenant of requests without a key. */
export const publicTenant = "public";

export class ApiKeys {
  readonly #digests: readonly Buffer[];

  constructor(keys: readonly string[]) {
    assert(
      keys.every((key) => key.length > 0),
      "an API key is not empty",
    );
    this.#digests = keys.map(digestOf);
  }

  get needed(): boolean {
    return this.#digests.length > 0;
  }

  /** All whom these keys let in. */
  get tenants(): readonly string[] {
    return this.needed ? this.#digests.map(tenantName) : [publicTenant];
  }

  /** The caller's tenant. Throws `unauthorized` when a key is needed and none of ours was sent. */
  tenantOf(headers: IncomingHttpHeaders): string {
    if (!this.needed) return publicTenant;
    const key = presentedKey(headers);
    if (key === null) {
      throw new LociError("unauthorized", "This server needs an API key.", {
        remedy: "Send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'.",
      });
    }
    const digest = digestOf(key);
    let found = false;
    for (const known of this.#digests) found = timingSafeEqual(known, digest) || found;
    if (!found) throw new LociError("unauthorized", "The API key is not known to this server.");
    return tenantName(digest);
  }
}

function tenantName(digest: Buffer): string {
  return `key-${digest.toString("hex").slice(0, 32)}`;
}

function presentedKey(headers: IncomingHttpHeaders): string | null {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? "");
  if (bearer?.[1] !== undefined) return bearer[1];
  const plain = headers["x-api-key"];
  return typeof plain === "string" && plain.length > 0 ? plain : null;
}

function digestOf(key: string): Buffer {
  return createHash("sha256").update(key, "utf8").digest();
}
