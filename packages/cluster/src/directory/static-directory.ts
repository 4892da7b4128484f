// A list of workers that somebody wrote down. It is trusted, and never changes.

import { parseWorkerAddress } from "../address/worker-address.ts";
import type { WorkerAddress } from "../address/worker-address.ts";
import type { DirectoryListener, WorkerDirectory } from "./worker-directory.ts";

export class StaticDirectory implements WorkerDirectory {
  readonly #addresses: readonly WorkerAddress[];

  /** Throws config_invalid for what is no address. Repeated ones count once. */
  constructor(urls: readonly string[]) {
    const addresses = urls.map((url) => parseWorkerAddress(url));
    this.#addresses = [...new Map(addresses.map((address) => [address.url, address])).values()];
  }

  watch(listener: DirectoryListener): () => void {
    for (const address of this.#addresses) listener.onJoin(address);
    return () => undefined;
  }
}
