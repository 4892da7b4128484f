import { parseWorkerAddress } from "@loci/cluster";
import { expect, test } from "vitest";

import type { MemberRecord } from "../wire/report-codec.ts";
import { noNonce } from "../wire/sealed-message.ts";
import type { SealedMessage } from "../wire/sealed-message.ts";
import { MemberTable } from "./member-table.ts";

const up: MemberRecord = { url: "http://10.0.0.7:8081", state: "up", sequence: 3 };

function table(membersMax = 4): MemberTable {
  return new MemberTable({
    membersMax,
    silentMsMax: 60_000,
    checkAddress: (url) => (url.startsWith("http://10.") ? parseWorkerAddress(url) : null),
  });
}

function says(count: number, epoch = "first", workerId = "one"): SealedMessage {
  return { kind: "member", workerId, epoch, count, nonce: noNonce, body: new Uint8Array(0) };
}

test("a heartbeat makes nobody a member; an answer does", () => {
  const members = table();
  expect(members.heard(says(1), up, 0)).toEqual({ kind: "unproven" });
  // Asked once a second, however often it speaks.
  expect(members.heard(says(2), up, 500)).toEqual({ kind: "ignored" });
  expect(members.heard(says(3), up, 1000)).toEqual({ kind: "unproven" });
  expect(members.members).toEqual([]);
  expect(members.proved(says(4), up, 1001)).toMatchObject([{ type: "joined" }]);
  expect(members.find("one")).toMatchObject({ epoch: "first", sequence: 3 });
  members.checkIntegrity();
});

test("a repeated heartbeat does not count", () => {
  const members = table();
  members.proved(says(4), up, 0);
  expect(members.heard(says(4), up, 100)).toEqual({ kind: "ignored" });
  expect(members.heard(says(5), { ...up, sequence: 9 }, 200)).toMatchObject({
    kind: "known",
    changes: [{ type: "heard", member: { sequence: 9 } }],
  });
  expect(members.heard(says(3), { ...up, state: "leaving" }, 300)).toEqual({ kind: "ignored" });
});

test("who leaves is gone, and what it said before brings it back only when it answers", () => {
  const members = table();
  members.proved(says(4), up, 0);
  expect(members.heard(says(5), { ...up, state: "leaving" }, 100)).toMatchObject({
    changes: [{ type: "left", member: { workerId: "one" } }],
  });
  expect(members.heard(says(4), up, 5000)).toEqual({ kind: "unproven" });
  expect(members.members).toEqual([]);
});

test("another life of a worker takes over once the one before is silent", () => {
  const members = table();
  members.proved(says(40), up, 0);
  expect(members.heard(says(1, "second"), up, 500)).toEqual({ kind: "ignored" });
  expect(members.heard(says(2, "second"), up, 1500)).toEqual({ kind: "unproven" });
  expect(members.proved(says(3, "second"), up, 1501)).toMatchObject([
    { type: "left", member: { epoch: "first" } },
    { type: "joined", member: { epoch: "second" } },
  ]);
  // The old life's words are repetitions now: it is asked, and nobody answers.
  expect(members.heard(says(41), up, 1600)).toEqual({ kind: "ignored" });
  expect(members.find("one")?.epoch).toBe("second");
  members.checkIntegrity();
});

test("addresses where no worker may be are refused, also later", () => {
  const members = table();
  const elsewhere = { ...up, url: "http://169.254.169.254" };
  expect(members.proved(says(1), elsewhere, 0)).toEqual([]);
  expect(members.addressesRefused).toBe(1);
  members.proved(says(2), up, 0);
  expect(members.heard(says(3), elsewhere, 10)).toMatchObject({
    changes: [{ type: "heard", member: { address: { url: up.url } } }],
  });
  expect(members.addressesRefused).toBe(2);
});

test("a worker that moves leaves its old address", () => {
  const members = table();
  members.proved(says(1), up, 0);
  const moved = { ...up, url: "http://10.0.0.8:8081" };
  expect(members.heard(says(2), moved, 10)).toMatchObject({
    changes: [
      { type: "left", member: { address: { url: up.url } } },
      { type: "joined", member: { address: { url: moved.url } } },
    ],
  });
});

test("silence ends a membership unless it is excused", () => {
  const members = table();
  members.proved(says(1), up, 0);
  members.proved(says(1, "first", "two"), up, 0);
  members.excuse("two", 30_000);
  expect(members.expire(59_999)).toEqual([]);
  expect(members.expire(60_000)).toMatchObject([{ type: "left", member: { workerId: "one" } }]);
  expect(members.members.map(({ workerId }) => workerId)).toEqual(["two"]);
});

test("members and strangers are bounded", () => {
  const members = table(2);
  for (let index = 0; index < 10; index++) members.heard(says(1, "first", `w${index}`), up, 0);
  members.checkIntegrity();
  expect(members.heard(says(1, "first", "w9"), up, 1)).toEqual({ kind: "ignored" });
  members.proved(says(1, "first", "w0"), up, 1);
  members.proved(says(1, "first", "w1"), up, 1);
  expect(members.proved(says(1, "first", "w2"), up, 1)).toEqual([]);
  members.checkIntegrity();
  // Strangers that never answered make room again.
  members.expire(5000);
  expect(members.heard(says(1, "first", "w9"), up, 5001)).toEqual({ kind: "unproven" });
});
