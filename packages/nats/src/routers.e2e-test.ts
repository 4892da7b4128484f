// What routers tell each other, over a real server.

import { systemClock } from "@loci/core";
import type { SentElsewhere } from "@loci/router";
import { expect, test } from "vitest";

import { NatsRouters } from "./nats-routers.ts";
import { subjectsOf } from "./subjects.ts";
import { eachCluster } from "./testing/each-cluster.ts";
import { becomes, clusterKey } from "./testing/test-cluster.ts";
import { encodeSent } from "./wire/sent-codec.ts";
import { noNonce, Seal } from "./wire/sealed-message.ts";

const nats = eachCluster();

interface Ears {
  readonly routers: NatsRouters;
  readonly heard: SentElsewhere[];
  /** Resolves when so many were heard. */
  has(count: number): Promise<void>;
}

async function startRouter(routerId: string): Promise<Ears> {
  const bus = nats.cluster.openBus(routerId);
  await becomes(bus, true);
  const options = { cluster: nats.cluster.name, clusterKey, routerId };
  const routers = new NatsRouters(options, { bus, clock: systemClock });
  const heard: SentElsewhere[] = [];
  let onHeard: (() => void) | null = null;
  const stop = routers.listen((one) => {
    heard.push(one);
    onHeard?.();
  });
  await bus.flush();
  nats.cluster.atEnd(async () => {
    routers.checkIntegrity();
    routers.close();
    stop();
  });
  const has = async (count: number): Promise<void> => {
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (heard.length >= count) resolve();
      };
      onHeard = check;
      check();
    });
  };
  return { routers, heard, has };
}

function sent(id: number, names = 3): SentElsewhere {
  const blocks = Float64Array.from({ length: names }, (_, index) => 1000 * id + index);
  return { workerId: `worker-${id % 2}`, names: blocks, missedTokens: id };
}

test("others hear what a router sends, in order and gathered; it does not hear itself", async () => {
  const [one, two, three] = [
    await startRouter("one"),
    await startRouter("two"),
    await startRouter("three"),
  ];
  const requests = Array.from({ length: 150 }, (_, id) => sent(id));
  for (const request of requests) one.routers.tell(request);
  await Promise.all([two.has(150), three.has(150)]);
  expect(two.heard).toEqual(requests);
  expect(three.heard).toEqual(requests);
  two.routers.tell(sent(7));
  await one.has(1);
  expect(one.heard).toEqual([sent(7)]);
  expect(one.routers.counts()).toEqual({ told: 150, heard: 1, untold: 0, refused: 0 });
});

test("of a long prompt, the beginning is told", async () => {
  const [one, two] = [await startRouter("one"), await startRouter("two")];
  one.routers.tell(sent(1, 5000));
  await two.has(1);
  expect(two.heard).toEqual([sent(1, 256)]);
});

test("what is forged, repeated or malformed is refused", async () => {
  const [one, two] = [await startRouter("one"), await startRouter("two")];
  const attacker = nats.cluster.openBus("attacker");
  await becomes(attacker, true);
  const subject = subjectsOf(nats.cluster.name).sent("one");
  const repeated: Uint8Array[] = [];
  attacker.subscribe(subject, (bytes) => repeated.push(Uint8Array.from(bytes)));
  await attacker.flush();
  one.routers.tell(sent(1));
  await two.has(1);
  const sealed = (key: string, body: Uint8Array): Uint8Array => {
    const message = {
      kind: "sent" as const,
      workerId: "one",
      epoch: "",
      count: 99,
      nonce: noNonce,
    };
    return new Seal(key, nats.cluster.name).close({ ...message, body }) ?? body;
  };
  attacker.publish(subject, sealed("another key", encodeSent([sent(2)])));
  attacker.publish(subject, sealed(clusterKey, Uint8Array.of(3)));
  attacker.publish(subject, Uint8Array.of(1, 2, 3));
  await attacker.flush();
  for (const bytes of repeated.slice(0, 1)) attacker.publish(subject, bytes);
  await attacker.flush();
  one.routers.tell(sent(3));
  await two.has(2);
  expect(two.heard).toEqual([sent(1), sent(3)]);
  expect(two.routers.counts()).toMatchObject({ heard: 2, refused: 4 });
});
