// Engines that speak as vLLM does, behind the real router and the cluster's service: over real
// sockets, with cache events.

import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { byteCodec } from "../testing/byte-codec.ts";
import { EventPublisher } from "../testing/event-publisher.ts";
import { ForeignCluster, turn } from "../testing/open-foreign-cluster.ts";
import { textRequest } from "../testing/open-worker.ts";
import { StandInEngine } from "../testing/stand-in-engine.ts";

const story = "The same long beginning of every prompt of a group, again and again. ".repeat(12);

function prompt(group: number): string {
  return `group ${group}: ${story}`;
}

class Fleet implements AsyncDisposable {
  readonly engines: StandInEngine[] = [];
  readonly publishers: EventPublisher[] = [];
  readonly #stack = new AsyncDisposableStack();

  static async open(count: number): Promise<Fleet> {
    const fleet = new Fleet();
    for (let index = 0; index < count; index++) {
      const publisher = fleet.#stack.use(await EventPublisher.open({ topic: "kv" }));
      fleet.publishers.push(publisher);
      fleet.engines.push(fleet.#stack.use(await StandInEngine.open({ publisher })));
    }
    return fleet;
  }

  async cluster(): Promise<ForeignCluster> {
    const urls = this.engines.map(({ url }) => url);
    const subscribed = this.publishers.map((publisher) => publisher.subscribed());
    const cluster = await ForeignCluster.open(urls, byteCodec, ({ url }) => {
      const endpoints = this.publishers[urls.indexOf(url)]?.endpoints;
      return endpoints === undefined ? null : { ...endpoints, topic: "kv" };
    });
    await Promise.all(subscribed);
    return cluster;
  }

  /** Requests that each engine was given since it was last asked. */
  counts(): readonly number[] {
    return this.engines.map(({ bodies }) => bodies.splice(0).length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

describe("a router before vLLM-like engines", () => {
  it("sends each group of prompts to where its beginning is", async () => {
    await using fleet = await Fleet.open(3);
    await using cluster = await fleet.cluster();
    let cached = 0;
    for (let index = 0; index < 12; index++) {
      const text = `${prompt(index % 3)} question ${index}`;
      const { finished } = await cluster.answer(textRequest(text, { id: `r${index}` }));
      cached += finished?.usage.cachedTokens ?? 0;
    }
    // Each of nine repetitions finds its group's beginning.
    expect(cached).toBeGreaterThan(9 * 0.9 * story.length);
  });

  it("gives one whole answer, whatever engine breaks at whatever token", async () => {
    await using fleet = await Fleet.open(3);
    await using cluster = await fleet.cluster();
    const asked = textRequest(story, { maxTokens: 40 });
    const whole = await cluster.answer({ ...asked, id: "whole" });
    const random = new Random(9);
    for (let index = 0; index < 8; index++) {
      for (const engine of fleet.engines.slice(0, 2)) {
        engine.mishap = { breaksAfter: random.integer(0, 39) };
      }
      const { tokens, text, finished } = await cluster.answer({ ...asked, id: `cut${index}` });
      expect(tokens).toEqual(whole.tokens);
      expect(text).toBe(whole.text);
      expect(finished?.usage.completionTokens).toBe(40);
    }
  });

  it("knows after its restart what engines hold, from what they replay", async () => {
    await using fleet = await Fleet.open(3);
    const homes = await (async () => {
      await using cluster = await fleet.cluster();
      const found: (string | undefined)[] = [];
      for (const group of [0, 1, 2]) {
        await cluster.answer(textRequest(prompt(group), { id: `r${group}` }));
        found.push(cluster.router.explain(`r${group}`)?.workerId);
      }
      return found;
    })();
    await using again = await fleet.cluster();
    for (const group of [0, 1, 2]) {
      const { promptTokens } = textRequest(prompt(group));
      const held = (): Promise<number> => again.heldTokens(homes[group] ?? "", promptTokens);
      // Replays come over sockets: a few turns of the event loop.
      while ((await held()) < 0.9 * story.length) await turn();
    }
    for (const group of [0, 1, 2]) {
      const { finished } = await again.answer(textRequest(prompt(group), { id: `again${group}` }));
      expect(again.router.explain(`again${group}`)?.workerId).toBe(homes[group]);
      expect(finished?.usage.cachedTokens).toBeGreaterThan(0.9 * story.length);
    }
  });
});
