import { parseWorkerAddress } from "@loci/cluster";
import { systemClock } from "@loci/core";
import { describe, expect, it } from "vitest";
import { EventPublisher } from "../testing/event-publisher.ts";
import { Gathered } from "../testing/gathered.ts";
import { eventsAtPorts, eventSourcesOf } from "./event-source.ts";
import { EventSubscriber, isEventEndpoint } from "./event-subscriber.ts";
import type { EventSources } from "./event-subscriber.ts";

const cleared = ["AllBlocksCleared"];

function removed(id: number): readonly unknown[] {
  return ["BlockRemoved", [id]];
}

/** A subscriber and what it told: hashes of removed blocks, and `forget`. */
class Heard implements AsyncDisposable {
  readonly told: Gathered<string> = new Gathered();
  readonly subscriber: EventSubscriber;
  readonly #running: Promise<void>;

  constructor(endpoints: Omit<EventSources, "topic">, topic = "kv") {
    this.subscriber = new EventSubscriber(
      { ...endpoints, topic },
      {
        events: (events) => {
          for (const event of events) {
            this.told.push(event.type === "removed" ? String(event.hashes[0]) : event.type);
          }
        },
        forget: () => this.told.push("forget"),
      },
      systemClock,
    );
    this.#running = this.subscriber.run();
  }

  async until(last: string): Promise<readonly string[]> {
    await this.told.until((items) => items.at(-1) === last);
    return this.told.items;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.subscriber.close();
    await this.#running;
  }
}

describe("EventSubscriber", () => {
  it("hears what is published under its topic", async () => {
    await using publisher = await EventPublisher.open({ topic: "kv-events" });
    await using heard = new Heard(publisher.endpoints);
    await publisher.subscribed();
    await publisher.publish([removed(1), cleared]);
    await publisher.publish([removed(2)]);
    expect(await heard.until("2")).toEqual(["1", "cleared", "2"]);
  });

  it("begins with what the engine remembers of its past", async () => {
    await using publisher = await EventPublisher.open({ topic: "kv", bufferSteps: 3 });
    for (let id = 0; id < 5; id++) await publisher.publish([removed(id)]);
    await using heard = new Heard(publisher.endpoints);
    expect(await heard.until("4")).toEqual(["2", "3", "4"]);
  });

  it("has lost batches replayed, in order", async () => {
    await using publisher = await EventPublisher.open({ topic: "kv" });
    await using heard = new Heard(publisher.endpoints);
    await publisher.subscribed();
    for (let id = 0; id < 60; id++) await publisher.publish([removed(id)], id % 7 === 3 && id < 59);
    const expected = Array.from({ length: 60 }, (_, id) => String(id));
    expect(await heard.until("59")).toEqual(expected);
    expect(heard.subscriber.counts).toMatchObject({ batches: 60, forgotten: 0 });
    expect(heard.subscriber.counts.replayed).toBeGreaterThan(0);
  });

  it("forgets what it knew when the lost is gone for good, and goes on", async () => {
    await using publisher = await EventPublisher.open({ topic: "kv", bufferSteps: 2 });
    await using heard = new Heard(publisher.endpoints);
    await publisher.subscribed();
    await publisher.publish([removed(0)]);
    await heard.until("0");
    for (let id = 1; id < 6; id++) await publisher.publish([removed(id)], id < 5);
    expect(await heard.until("5")).toEqual(["0", "forget", "4", "5"]);
  });

  it("forgets when an engine that replays nothing has lost a batch", async () => {
    await using publisher = await EventPublisher.open({ topic: "kv", replays: false });
    const { endpoint } = publisher.endpoints;
    await using heard = new Heard({ endpoint, replayEndpoint: null });
    await publisher.subscribed();
    for (let id = 0; id < 4; id++) await publisher.publish([removed(id)], id === 1);
    expect(await heard.until("3")).toEqual(["0", "forget", "2", "3"]);
  });

  it("notices that the engine began to count anew", async () => {
    const first = await EventPublisher.open({ topic: "kv" });
    const { endpoints } = first;
    await using heard = new Heard(endpoints);
    await first.subscribed();
    for (const id of [1, 2, 3]) await first.publish([removed(id)]);
    await heard.until("3");
    await first[Symbol.asyncDispose]();
    await using second = await EventPublisher.open({ topic: "kv" }, endpoints);
    await second.subscribed();
    await second.publish([removed(10)]);
    await second.publish([removed(11)]);
    expect(await heard.until("11")).toEqual(["1", "2", "3", "forget", "10", "11"]);
  });

  it("passes over messages that are no batches", async () => {
    await using publisher = await EventPublisher.open({ topic: "kv" });
    await using heard = new Heard(publisher.endpoints);
    await publisher.subscribed();
    await publisher.publish(["nonsense", 7, removed(1)]);
    expect(await heard.until("1")).toEqual(["1"]);
    expect(heard.subscriber.counts.skipped).toBe(2);
  });
});

describe("where events come from", () => {
  it("is read from an engine's own words, at the engine's host only", () => {
    const config = { publisher: "zmq", topic: "t", endpoint: "tcp://*:5557" };
    expect(eventSourcesOf(JSON.stringify(config), "10.0.0.3")).toEqual({
      endpoint: "tcp://10.0.0.3:5557",
      replayEndpoint: null,
      topic: "t",
    });
    const elsewhere = { ...config, endpoint: "tcp://evil.example:1" };
    expect(eventSourcesOf(JSON.stringify(elsewhere), "10.0.0.3")).toBeNull();
    expect(eventSourcesOf('{"publisher":"null"}', "h")).toBeNull();
    expect(eventSourcesOf("nonsense", "h")).toBeNull();
  });

  it("is the same port of every host, and never one for two engines", () => {
    const eventsOf = eventsAtPorts({ port: 5557, replayPort: 5558, topic: "kv" });
    const address = parseWorkerAddress("http://10.0.0.3:8000");
    const expected = {
      endpoint: "tcp://10.0.0.3:5557",
      replayEndpoint: "tcp://10.0.0.3:5558",
      topic: "kv",
    };
    expect(eventsOf(address)).toEqual(expected);
    expect(eventsOf(address)).toEqual(expected);
    expect(eventsOf(parseWorkerAddress("http://10.0.0.3:8001"))).toBeNull();
    expect(eventsOf(parseWorkerAddress("unix:///run/engine.sock"))).toBeNull();
  });

  it("is a ZeroMQ endpoint", () => {
    expect(isEventEndpoint("tcp://h:1")).toBe(true);
    expect(isEventEndpoint("http://h:1")).toBe(false);
  });
});
