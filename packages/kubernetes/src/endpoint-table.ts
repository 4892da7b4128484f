// All slices of a service, and which addresses came or went with each change. One address may be in
// several slices for a moment, while Kubernetes moves it from one to another. Synchronous.

import { assert } from "@loci/core";

import type { EndpointSlice } from "./endpoint-slice.ts";

export interface AddressChange {
  readonly joined: readonly string[];
  readonly left: readonly string[];
}

/** Slices of a service that are looked at; at most 1,000 addresses each. */
export const slicesMax = 64;

export class EndpointTable {
  readonly #slices = new Map<string, readonly string[]>();
  #urls: ReadonlySet<string> = new Set();

  get urls(): readonly string[] {
    return [...this.#urls];
  }

  /** A slice is new, or has changed. */
  put(slice: EndpointSlice): AddressChange {
    if (this.#slices.has(slice.name) || this.#slices.size < slicesMax) {
      this.#slices.set(slice.name, slice.urls);
    }
    return this.#change();
  }

  remove(sliceName: string): AddressChange {
    this.#slices.delete(sliceName);
    return this.#change();
  }

  /** These are all. */
  replace(slices: readonly EndpointSlice[]): AddressChange {
    this.#slices.clear();
    for (const { name, urls } of slices.slice(0, slicesMax)) this.#slices.set(name, urls);
    return this.#change();
  }

  checkIntegrity(): void {
    assert(this.#slices.size <= slicesMax, "slices are bounded");
    const urls = new Set([...this.#slices.values()].flat());
    assert(urls.size === this.#urls.size, "every address is in a slice");
    for (const url of urls) assert(this.#urls.has(url), "every slice's addresses are known");
  }

  #change(): AddressChange {
    const before = this.#urls;
    const now = new Set([...this.#slices.values()].flat());
    this.#urls = now;
    return {
      joined: [...now].filter((url) => !before.has(url)),
      left: [...before].filter((url) => !now.has(url)),
    };
  }
}
