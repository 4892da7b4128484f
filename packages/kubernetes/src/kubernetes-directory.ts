// Workers as the endpoints of a Kubernetes service: all slices are listed once, then every change is
// watched from that version on. When the server does not remember that far back (410), or cannot be
// reached, they are listed again; until then everybody stays who was there.

import { assert, LociError, sleep, uniformAt } from "@loci/core";
import type { Clock } from "@loci/core";
import { parseWorkerAddress } from "@loci/cluster";
import type { DirectoryListener, WorkerAddress, WorkerDirectory } from "@loci/cluster";

import { readSlice, readVersion } from "./endpoint-slice.ts";
import { EndpointTable } from "./endpoint-table.ts";
import type { AddressChange } from "./endpoint-table.ts";
import { parseServiceName } from "./service-name.ts";
import { openSliceSource } from "./slice-source.ts";
import type { SliceEvent, SliceSource } from "./slice-source.ts";

export interface KubernetesDirectoryOptions {
  /** `[NAMESPACE/]NAME[:PORT]` of the service whose endpoints are the workers. */
  readonly service: string;
  /** Null: as kubectl would find it, or the pod's own account. */
  readonly kubeconfigPath?: string | null;
  /** Of the waits between attempts. */
  readonly seed: number;
  readonly clock: Clock;
  /** Told when the API server cannot be asked; not repeated while that lasts. */
  readonly onProblem?: (problem: string) => void;
}

const retryMsMin = 250;
const retryMsMax = 10_000;
/** A server that ends watches at once is not asked more often than this. */
const watchAgainMs = 250;

export class KubernetesDirectory implements WorkerDirectory {
  readonly #options: KubernetesDirectoryOptions;
  readonly #portName: string | null;
  readonly #open: () => Promise<SliceSource>;
  #table = new EndpointTable();
  #listener: DirectoryListener | null = null;
  #resourceVersion = "";
  #failures = 0;
  #attempts = 0;
  #lastProblem = "";

  /** @throws LociError config_invalid for what is no service's name */
  constructor(options: KubernetesDirectoryOptions) {
    this.#options = options;
    const { namespace, name, port } = parseServiceName(options.service);
    this.#portName = port;
    const kubeconfigPath = options.kubeconfigPath ?? null;
    this.#open = () => openSliceSource({ namespace, serviceName: name, kubeconfigPath });
  }

  watch(listener: DirectoryListener): () => void {
    assert(this.#listener === null, "one listener at a time");
    this.#listener = listener;
    this.#table = new EndpointTable();
    const ending = new AbortController();
    void this.#follow(ending.signal);
    return () => {
      ending.abort();
      this.#listener = null;
    };
  }

  checkIntegrity(): void {
    this.#table.checkIntegrity();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    let source: SliceSource | null = null;
    let isListed = false;
    while (!signal.aborted) {
      try {
        source ??= await this.#open();
        if (!isListed) await this.#list(source, signal);
        isListed = true;
        const end = await this.#watchOnce(source, signal);
        if (end === "expired") isListed = false;
        this.#failures = 0;
        await sleep(this.#options.clock, watchAgainMs);
      } catch (error) {
        isListed = false;
        this.#tellProblem(error);
        await sleep(this.#options.clock, this.#retryMs());
      }
    }
  }

  async #list(source: SliceSource, signal: AbortSignal): Promise<void> {
    const { slices, resourceVersion } = await source.list();
    if (signal.aborted) return;
    this.#resourceVersion = resourceVersion;
    this.#lastProblem = "";
    const read = slices.map((slice) => readSlice(slice, this.#portName));
    this.#tell(this.#table.replace(read.filter((slice) => slice !== null)));
  }

  #watchOnce(source: SliceSource, signal: AbortSignal): Promise<"ended" | "expired"> {
    return source.watch(this.#resourceVersion, {
      signal,
      onEvent: (event) => this.#onEvent(event),
    });
  }

  #onEvent({ type, object }: SliceEvent): void {
    this.#resourceVersion = readVersion(object) ?? this.#resourceVersion;
    const slice = type === "bookmark" ? null : readSlice(object, this.#portName);
    if (slice === null) return;
    if (type === "put") this.#tell(this.#table.put(slice));
    if (type === "removed") this.#tell(this.#table.remove(slice.name));
  }

  #tell({ joined, left }: AddressChange): void {
    for (const url of joined) {
      const address = this.#addressOf(url);
      if (address !== null) this.#listener?.onJoin(address);
    }
    for (const url of left) {
      const address = this.#addressOf(url);
      if (address !== null) this.#listener?.onLeave(address.url);
    }
  }

  #addressOf(url: string): WorkerAddress | null {
    try {
      return parseWorkerAddress(url);
    } catch (error) {
      if (!(error instanceof LociError)) throw error;
      this.#tellProblem(error);
      return null;
    }
  }

  /** Twice as long each time, and spread, so that many routers do not ask at once. */
  #retryMs(): number {
    const longest = Math.min(retryMsMax, retryMsMin * 2 ** this.#failures);
    this.#failures += 1;
    return longest * (0.5 + 0.5 * uniformAt(this.#options.seed, this.#attempts++));
  }

  #tellProblem(error: unknown): void {
    const text = error instanceof Error ? error.message : "unknown problem";
    // The library adds the whole answer after the first lines.
    const problem = `Kubernetes: ${text.split("\n").slice(0, 2).join(" ").slice(0, 300)}`;
    if (problem === this.#lastProblem) return;
    this.#lastProblem = problem;
    this.#options.onProblem?.(problem);
  }
}
