// What every WorkerLink must do, whatever engine is at its other end: tested through the interface
// alone. Requests are greedy, so that the same request has the same answer.

import { LociError } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import type { WorkerFacts } from "@loci/router";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clusterRequest, tokensOf, until } from "../testing/test-cluster.ts";
import { AttemptError } from "./attempt-error.ts";
import type { LinkListener, WorkerLink } from "./worker-link.ts";

export interface LinkFixture {
  /** Not watched yet. */
  readonly link: WorkerLink;
  /** Token ids below it are ordinary text. */
  readonly vocabularySize: number;
  /** Resolves when the link, which is watched, is what is to be tested. */
  ready?(): Promise<void>;
  /** The worker's end goes away; nobody listens there any more. */
  kill(): Promise<void>;
  dispose(): Promise<void>;
}

/** What a listener was told. */
class Told implements LinkListener {
  readonly facts: WorkerFacts[] = [];
  readonly words: string[] = [];
  hello(facts: WorkerFacts): void {
    this.facts.push(facts);
  }
  gone(): void {
    this.words.push("gone");
  }
  heard(): void {
    this.words.push("heard");
  }
  report(): void {
    this.words.push("report");
  }
  events(): void {
    this.words.push("events");
  }
  snapshot(): void {
    this.words.push("snapshot");
  }
  draining(): void {
    this.words.push("draining");
  }
}

/** Registers the tests. */
export function workerLinkConformance(name: string, make: () => Promise<LinkFixture>): void {
  describe(`${name} as a WorkerLink`, () => {
    const told = new Told();
    let fixture: LinkFixture;
    beforeAll(async () => {
      fixture = await make();
      fixture.link.watch(told);
      await fixture.ready?.();
    });
    afterAll(() => fixture.dispose());

    const request = (seed: number, parts: Partial<GenerationRequest> = {}): GenerationRequest =>
      clusterRequest({
        promptTokens: Int32Array.from(
          { length: 24 },
          (_, index) => (seed * 131 + index * 17) % fixture.vocabularySize,
        ),
        ignoreEos: true,
        ...parts,
      });
    const read = (asked: GenerationRequest): Promise<readonly GenerationEvent[]> =>
      readAll(fixture.link, asked);

    it("says who is there and how it does", async () => {
      await until(() => told.facts.length > 0 && told.words.includes("report"));
      const [facts] = told.facts;
      expect(facts?.id).not.toBe("");
      expect(facts?.blockTokens).toBeGreaterThanOrEqual(1);
    });

    it("gives an answer that starts, has its tokens, and ends with what it used", async () => {
      const events = await read(request(1, { maxTokens: 5 }));
      expect(events.map(({ type }) => type).join(" ")).toBe(
        "started token token token token token finished",
      );
      expect(events.at(-1)).toMatchObject({
        reason: "length",
        usage: { promptTokens: 24, completionTokens: 5 },
      });
    });

    it("gives answers at the same time as one after the other", async () => {
      const together = await Promise.all([1, 2, 3].map((seed) => read(request(seed))));
      for (const [index, events] of together.entries()) {
        expect(tokensOf(await read(request(index + 1)))).toEqual(tokensOf(events));
      }
    });

    it("goes on after tokens that were delivered", async () => {
      const whole = tokensOf(await read(request(4)));
      const deliveredTokens = Int32Array.from(whole.slice(0, 3));
      const events = await read(request(4, { deliveredTokens }));
      expect(tokensOf(events)).toEqual(whole.slice(3));
      expect(events.at(-1)).toMatchObject({ usage: { completionTokens: whole.length } });
    });

    it("ends when its signal is aborted, and when nobody reads", async () => {
      const controller = new AbortController();
      const endless = request(5, { maxTokens: 1000 });
      const ended = await outcomeOf(async () => {
        let tokens = 0;
        for await (const event of fixture.link.generate(endless, null, controller.signal)) {
          if (event.type === "token" && ++tokens === 2) controller.abort();
          if (tokens > 900) throw new Error("it does not end");
        }
      });
      expect(["none", "cancelled"]).toContain(ended);
      const signal = new AbortController().signal;
      for await (const event of fixture.link.generate(request(5), null, signal)) {
        if (event.type === "token") break;
      }
      expect(tokensOf(await read(request(6, { maxTokens: 2 })))).toHaveLength(2);
    });

    it("blames the worker, not the request, when nobody is there", async () => {
      await fixture.kill();
      const outcome = await outcomeOf(() => read(request(7)));
      expect(["unreachable", "worker_lost"]).toContain(outcome);
      await until(() => told.words.includes("gone"));
    });
  });
}

async function readAll(
  link: WorkerLink,
  request: GenerationRequest,
): Promise<readonly GenerationEvent[]> {
  const events: GenerationEvent[] = [];
  const { signal } = new AbortController();
  for await (const event of link.generate(request, null, signal)) events.push(event);
  return events;
}

async function outcomeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return "none";
  } catch (error) {
    if (error instanceof AttemptError) return error.failure;
    return error instanceof LociError ? error.code : String(error);
  }
}
