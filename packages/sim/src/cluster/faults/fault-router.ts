// A router's process in a random world: the real router's state machine, and around it what a shell
// does: it opens attempts at workers, keeps what was delivered, and goes on elsewhere when told to.

import { assert, defined, LociError } from "@loci/core";
import type { GenerationRequest, KvEventBatch, KvSnapshot, WorkerLoad } from "@loci/core";
import type { EngineEvent } from "@loci/engine";
import { Router } from "@loci/router";
import type {
  AttemptFailure,
  NextAttempt,
  Placement,
  RouterCounts,
  WorkerFacts,
} from "@loci/router";
import { routeOf } from "../route-of.ts";
import type { FaultChoices } from "./fault-choices.ts";
import type { FaultClient } from "./fault-client.ts";
import type { FaultWorker } from "./fault-worker.ts";
import type { FaultWorldParts } from "./fault-world-parts.ts";
import { WorldProcess } from "./world-process.ts";

/** A request that this router answers. */
interface Asked {
  readonly id: string;
  readonly client: FaultClient;
  readonly delivered: number[];
  /** Counts placements: what belongs to an earlier one is ignored. */
  attempt: number;
  worker: FaultWorker | null;
  isStarted: boolean;
}

export interface Greeting {
  readonly facts: WorkerFacts;
  readonly load: WorkerLoad;
  readonly snapshot: KvSnapshot;
}

const tickEveryMs = 100;
/** More than all workers of a world can hold. */
const blocksMax = 4096;

export class FaultRouter {
  readonly process: WorldProcess;
  readonly #choices: FaultChoices;
  readonly #world: FaultWorldParts;
  readonly #seed: number;
  readonly #asked = new Map<string, Asked>();
  /** By worker: its life, as it last greeted. */
  readonly #epochs = new Map<string, string>();
  #router: Router;

  constructor(index: number, choices: FaultChoices, world: FaultWorldParts) {
    this.process = new WorldProcess(`router ${index}`);
    this.#choices = choices;
    this.#world = world;
    this.#seed = index;
    this.#router = this.#makeRouter();
  }

  get counts(): RouterCounts {
    return this.#router.snapshotCounts();
  }

  /** Starts with nothing but the list of workers. */
  start(): void {
    this.process.start();
    this.#router = this.#makeRouter();
    this.#asked.clear();
    this.#epochs.clear();
    const { life } = this.process;
    for (const worker of this.#world.workers) {
      this.#world.network.stream(this.process, worker.process, () => {
        if (this.process.life !== life) return;
        worker.process.run(worker.process.life, () => worker.greet(this));
      });
    }
    this.#tickLater();
  }

  /** Dies; clients notice, and workers unless it is silent. */
  kill(isSilent: boolean): void {
    if (!this.process.isUp) return;
    this.process.kill();
    if (!isSilent) for (const asked of this.#asked.values()) this.#close(asked);
    this.#asked.clear();
    this.#world.routerDied(this);
  }

  /** A client asks. */
  ask(client: FaultClient): void {
    const asked: Asked = {
      id: client.tryId,
      client,
      delivered: [],
      attempt: 0,
      worker: null,
      isStarted: false,
    };
    const spec = { ...client.request, id: asked.id };
    try {
      const placement = this.#router.place(routeOf(spec), this.#world.now());
      this.#asked.set(asked.id, asked);
      this.#open(asked, placement.workerId);
    } catch (error) {
      if (!(error instanceof LociError)) throw error;
      client.fail(error);
    }
  }

  /** A client has left. */
  left(client: FaultClient): void {
    const asked = this.#asked.get(client.tryId);
    if (asked === undefined) return;
    this.#close(asked);
    this.#forget(asked);
  }

  /** A worker is there, with all it holds. */
  greeted(worker: FaultWorker, { facts, load, snapshot }: Greeting): void {
    const nowMs = this.#world.now();
    this.#epochs.set(worker.id, facts.epoch);
    this.#router.join(facts, nowMs);
    this.#router.report(worker.id, load, nowMs, snapshot.sequence);
    this.#router.snapshot(worker.id, snapshot, nowMs);
    this.#takeNews();
  }

  heardReport(
    worker: FaultWorker,
    epoch: string,
    { load, eventSequence }: { readonly load: WorkerLoad; readonly eventSequence: number },
  ): void {
    if (this.#epochs.get(worker.id) !== epoch) return;
    this.#router.report(worker.id, load, this.#world.now(), eventSequence);
    this.#takeNews();
  }

  heardEvents(worker: FaultWorker, epoch: string, batch: KvEventBatch): void {
    if (this.#epochs.get(worker.id) !== epoch) return;
    this.#router.events(worker.id, batch, this.#world.now());
    this.#takeNews();
  }

  heardSnapshot(worker: FaultWorker, epoch: string, snapshot: KvSnapshot): void {
    if (this.#epochs.get(worker.id) !== epoch || this.#world.sabotage === "deaf") return;
    this.#router.snapshot(worker.id, snapshot, this.#world.now());
    this.#takeNews();
  }

  /** Something came of an attempt. */
  heardAnswer(entry: EngineEvent): void {
    const asked = this.#askedBy(entry.requestId);
    if (asked === null) return;
    const nowMs = this.#world.now();
    if ("error" in entry) {
      this.#forget(asked);
      asked.client.fail(entry.error);
      return;
    }
    const { event } = entry;
    if (event.type === "started") {
      this.#router.started(asked.id, event.cachedTokens, nowMs);
      // The client heard it from the first worker.
      if (asked.isStarted) return;
      asked.isStarted = true;
    } else if (event.type === "token") {
      asked.delivered.push(event.tokenId);
      this.#router.tokens(asked.id, 1, nowMs);
    } else {
      const { completionTokens, cachedTokens } = event.usage;
      const endedByItself = event.reason === "stop";
      this.#asked.delete(asked.id);
      this.#router.finished(asked.id, { completionTokens, cachedTokens, endedByItself }, nowMs);
    }
    asked.client.take(event);
  }

  /** The worker did not take the attempt. */
  refused(attemptId: string, error: LociError): void {
    const asked = this.#askedBy(attemptId);
    if (asked === null) return;
    if (error.code === "queue_full") {
      this.#failed(asked, "refused");
      return;
    }
    this.#forget(asked);
    asked.client.fail(error);
  }

  /** The attempt's connection broke. */
  broken(attemptId: string): void {
    const asked = this.#askedBy(attemptId);
    if (asked !== null) this.#failed(asked, "worker_lost");
  }

  drain(worker: FaultWorker): void {
    this.#router.drain(worker.id, this.#world.now());
    this.#takeNews();
  }

  /** Where a request would go, and what the router believes of the workers for it. */
  probe(request: GenerationRequest, nowMs: number): Placement {
    const id = `${request.id} probe`;
    const placement = this.#router.place(routeOf({ ...request, id }), nowMs);
    const report = { completionTokens: null, cachedTokens: null, endedByItself: false };
    this.#router.finished(id, report, nowMs);
    return placement;
  }

  /** In the end: nothing is kept for anybody. */
  checkIdle(): void {
    this.#router.checkIntegrity();
    assert(this.#asked.size === 0, `${this.process.name}: nobody is left`);
    assert(this.#router.liveRequests === 0, `${this.process.name}: no request is left`);
  }

  #failed(asked: Asked, failure: AttemptFailure): void {
    asked.attempt++;
    asked.worker = null;
    const delivered = deliveredTo(asked);
    this.#goOn(asked, this.#router.failed(asked.id, failure, delivered, this.#world.now()));
  }

  #goOn(asked: Asked, next: NextAttempt): void {
    if (next.kind === "give_up") {
      this.#asked.delete(asked.id);
      asked.client.fail(next.error);
      return;
    }
    const { attempt } = asked;
    this.#later(next.afterMs, () => {
      if (this.#asked.get(asked.id) !== asked || asked.attempt !== attempt) return;
      if (next.kind === "retry") {
        this.#open(asked, next.placement.workerId);
        return;
      }
      const delivered = deliveredTo(asked);
      this.#goOn(asked, this.#router.again(asked.id, delivered, this.#world.now()));
    });
  }

  /** Connects to a worker; whoever listens there takes the attempt. */
  #open(asked: Asked, workerId: string): void {
    const worker = defined(this.#world.workers.find(({ id }) => id === workerId));
    const attemptId = attemptIdOf(asked, ++asked.attempt);
    const { life } = this.process;
    asked.worker = worker;
    const delivered = deliveredTo(asked);
    const deliveredTokens =
      this.#world.sabotage === "forget-token" ? delivered.slice(0, -1) : delivered;
    const request: GenerationRequest = {
      ...asked.client.request,
      ...(deliveredTokens.length > 0 && { deliveredTokens }),
    };
    this.#world.network.stream(this.process, worker.process, () => {
      if (this.process.life !== life) return;
      const { process } = worker;
      if (process.isUp) {
        const attempt = { router: this, routerLife: life };
        process.run(process.life, () => worker.open(attemptId, request, attempt));
        return;
      }
      this.#world.network.stream(process, this.process, () => {
        this.process.run(life, () => {
          if (this.#askedBy(attemptId) !== null) this.#failed(asked, "unreachable");
        });
      });
    });
  }

  /** Tells the worker that the attempt is not wanted any more. */
  #close({ id, attempt, worker }: Asked): void {
    if (worker === null) return;
    const attemptId = attemptIdOf({ id }, attempt);
    this.#world.network.stream(this.process, worker.process, () => {
      worker.process.run(worker.process.life, () => worker.close(attemptId));
    });
  }

  /** It ends here, whatever its worker still does. */
  #forget(asked: Asked): void {
    this.#asked.delete(asked.id);
    const report = { completionTokens: null, cachedTokens: null, endedByItself: false };
    this.#router.finished(asked.id, report, this.#world.now());
  }

  /** Null for an attempt that is not the request's last one. */
  #askedBy(attemptId: string): Asked | null {
    const asked = this.#asked.get(attemptId.slice(0, attemptId.lastIndexOf("#")));
    if (asked === undefined || attemptIdOf(asked, asked.attempt) !== attemptId) return null;
    return asked;
  }

  #takeNews(): void {
    for (const news of this.#router.takeNews()) {
      const worker = defined(this.#world.workers.find(({ id }) => id === news.workerId));
      if (news.type === "snapshot_wanted") {
        const { life } = this.process;
        this.#world.network.stream(this.process, worker.process, () => {
          worker.process.run(worker.process.life, () => worker.sendSnapshot(this, life));
        });
        continue;
      }
      for (const id of news.requestIds) {
        const asked = defined(this.#asked.get(id), "news are of live requests");
        this.#close(asked);
        this.#failed(asked, "worker_stalled");
      }
    }
  }

  #tickLater(): void {
    this.#later(tickEveryMs, () => {
      this.#router.tick(this.#world.now());
      this.#takeNews();
      this.#tickLater();
    });
  }

  /** In this life, unless it ends before. */
  #later(afterMs: number, deed: () => void): void {
    const { life } = this.process;
    const atMs = this.#world.now() + afterMs;
    this.#world.queue.push(atMs, () => this.process.run(life, deed));
  }

  #makeRouter(): Router {
    const { policy } = this.#choices;
    return new Router({ policy, blocksMax, workersMax: 8 }, { seed: this.#seed });
  }
}

function deliveredTo({ delivered }: Asked): Int32Array {
  return Int32Array.from(delivered);
}

function attemptIdOf({ id }: Pick<Asked, "id">, attempt: number): string {
  return `${id}#${attempt}`;
}
