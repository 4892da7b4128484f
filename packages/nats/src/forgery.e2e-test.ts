import { connect } from "@nats-io/transport-node";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { subjectsOf } from "./subjects.ts";
import { NatsServer } from "./testing/nats-server.ts";
import { agree, sampleLoad, TestCluster } from "./testing/test-cluster.ts";
import { encodeBatch } from "./wire/kv-codec.ts";
import { encodeReport } from "./wire/report-codec.ts";
import { noNonce, Seal } from "./wire/sealed-message.ts";
import type { MessageKind } from "./wire/sealed-message.ts";

let server: NatsServer;
let cluster: TestCluster;
let attacker: NatsConnection;

beforeAll(async () => {
  server = await NatsServer.create();
});

beforeEach(async () => {
  cluster = new TestCluster(server);
  attacker = await connect({ servers: server.url });
});

afterEach(async () => {
  await attacker.close();
  await cluster.end();
});

afterAll(async () => {
  await server.dispose();
});

/** Everything that is said from now on. */
async function record(): Promise<{ subject: string; data: Uint8Array }[]> {
  const recorded: { subject: string; data: Uint8Array }[] = [];
  attacker.subscribe(`loci.${cluster.name}.>`, {
    callback: (_, { subject, data }) => {
      recorded.push({ subject, data: Uint8Array.from(data) });
    },
  });
  await attacker.flush();
  return recorded;
}

async function sayAgain(recorded: readonly { subject: string; data: Uint8Array }[]): Promise<void> {
  for (const { subject, data } of recorded.slice()) attacker.publish(subject, data);
  await attacker.flush();
}

test("who has no key cannot make anybody believe anything", async () => {
  const subjects = subjectsOf(cluster.name);
  const { router, directory } = await cluster.startRouter();
  const { feed, worker } = await cluster.startWorker("one");
  feed.change(5);
  expect(await agree(router, feed)).toBe(true);
  const forger = new Seal("another key", cluster.name);
  const forge = (kind: MessageKind, workerId: string, body: Uint8Array): Uint8Array => {
    const message = { kind, workerId, epoch: "first", count: 1e9, nonce: noNonce, body };
    return forger.close(message) ?? new Uint8Array(0);
  };
  const evil = encodeReport({ url: "http://127.0.0.1:6666", state: "up", sequence: 0 });
  const gone = encodeReport({ url: "http://127.0.0.1:8081", state: "leaving", sequence: 0 });
  const cleared = encodeBatch({ sequence: 6, events: [{ type: "cleared" }] });
  attacker.publish(subjects.member("evil"), forge("member", "evil", evil));
  attacker.publish(subjects.member("one"), forge("member", "one", gone));
  attacker.publish(subjects.events("one", "first"), forge("events", "one", cleared));
  attacker.publish(subjects.load("one"), forge("load", "one", encodeReport(sampleLoad)));
  attacker.publish(subjects.member("one"), new Uint8Array(100_000));
  attacker.publish(subjects.prove("one"), new Uint8Array(64), { reply: "anybody" });
  attacker.publish(subjects.repair("one"), forge("question", "one", new Uint8Array(1)));
  await attacker.flush();
  await router.until(() => directory.counts().refused === 5);
  await router.until(() => worker.counts().questionsRefused === 2);
  feed.change(1);
  expect(await agree(router, feed)).toBe(true);
  expect([...router.urls]).toEqual(["http://127.0.0.1:8081"]);
  expect(router.workers.get("one")?.load).toBeNull();
  directory.checkIntegrity();
});

test("what was recorded and is said again changes nothing, also when its speaker is gone", async () => {
  const { router, directory } = await cluster.startRouter();
  const recorded = await record();
  const { feed, worker } = await cluster.startWorker("one");
  feed.change(5);
  expect(await agree(router, feed)).toBe(true);
  feed.tellLoad(sampleLoad);
  await router.until(() => router.workers.get("one")?.load !== null);
  await sayAgain(recorded);
  await router.until(() => directory.counts().repeated >= 2);
  feed.change(1);
  expect(await agree(router, feed)).toBe(true);

  await worker.close();
  await router.until(() => router.urls.size === 0);
  await sayAgain(recorded);
  const witness = await cluster.startWorker("witness", { port: 8082 });
  witness.feed.change(1);
  expect(await agree(router, witness.feed)).toBe(true);
  expect([...router.urls]).toEqual(["http://127.0.0.1:8082"]);

  // The life before does not come back in place of the present one, either.
  const second = await cluster.startWorker("one", { epoch: "second", port: 8083 });
  second.feed.change(2);
  expect(await agree(router, second.feed)).toBe(true);
  await sayAgain(recorded);
  second.feed.change(2);
  expect(await agree(router, second.feed)).toBe(true);
  expect(router.workers.get("one")?.epoch).toBe("second");
  expect(router.urls).toEqual(new Set(["http://127.0.0.1:8082", "http://127.0.0.1:8083"]));
  directory.checkIntegrity();
});
