// Every message between workers and routers is sealed: it says of whom it is, in which life of that
// worker, how many came before, and it ends with a code (HMAC-SHA256) that only holders of the
// cluster's key can make. Who can write to NATS but has no key can therefore only repeat what was
// said before: heartbeats and reports are refused by their count, answers by the nonce of the
// question, events by their sequence number.
//
//   version 1 │ kind 1 │ id │ epoch │ count │ nonce 16 │ body … │ code 32
//   id, epoch: a byte of length and the text.  count: seven bits a byte.

import { createHmac, hash, timingSafeEqual } from "node:crypto";

import { assert } from "@loci/core";

import { isWorkerName } from "../subjects.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";

/** Longest sealed message: half of what a NATS server takes by default. */
export const messageBytesMax: number = 512 * 1024;

/** What everything around a body takes, at most. */
export const sealBytesMax = 512;

export const nonceBytes = 16;

/** The nonce of what answers no question. */
export const noNonce: Uint8Array = new Uint8Array(nonceBytes);

const version = 1;
const codeBytes = 32;
const blockBytes = 64;
const innerPad = 0x36;
const outerPad = 0x5c;
const kinds = ["member", "events", "load", "repair", "question", "sent"] as const;

export type MessageKind = (typeof kinds)[number];

export interface SealedMessage {
  readonly kind: MessageKind;
  /** A worker's; a router's in what it sent. */
  readonly workerId: string;
  /** Empty in a question, which does not know it. */
  readonly epoch: string;
  /** Grows by each message of a kind within an epoch. */
  readonly count: number;
  /** The question's, in an answer. */
  readonly nonce: Uint8Array;
  readonly body: Uint8Array;
}

export class Seal {
  // The key as HMAC (RFC 2104) puts it before what is hashed. Two calls of `hash` take a quarter of
  // the time of an object of `createHmac`, and every event of every worker is opened by every router.
  readonly #inner: Uint8Array;
  readonly #outer: Uint8Array;

  /**
   * @param clusterKey the secret that all workers and routers share
   * @param cluster messages of one cluster are refused in another, even under one key
   */
  constructor(clusterKey: string, cluster: string) {
    assert(clusterKey.length > 0, "a cluster key is not empty");
    const purpose = `loci control plane\0${cluster}`;
    const key = createHmac("sha256", clusterKey).update(purpose).digest();
    this.#inner = padded(key, innerPad);
    this.#outer = padded(key, outerPad);
  }

  /** @returns the bytes to send; null when they would exceed `messageBytesMax` */
  close(message: SealedMessage): Uint8Array | null {
    assert(message.nonce.length === nonceBytes, "a nonce has 16 bytes");
    const writer = new ByteWriter(message.body.length + sealBytesMax);
    writer.byte(version);
    writer.byte(kinds.indexOf(message.kind));
    writer.shortText(message.workerId);
    writer.shortText(message.epoch);
    writer.integer(message.count);
    writer.raw(message.nonce);
    writer.raw(message.body);
    if (writer.length + codeBytes > messageBytesMax) return null;
    const open = writer.finish();
    const closed = new Uint8Array(open.length + codeBytes);
    closed.set(open);
    closed.set(this.#code(open), open.length);
    return closed;
  }

  /** @returns null for whatever no holder of the key has sealed */
  open(bytes: Uint8Array): SealedMessage | null {
    if (bytes.length > messageBytesMax || bytes.length < codeBytes) return null;
    const open = bytes.subarray(0, bytes.length - codeBytes);
    const code = bytes.subarray(bytes.length - codeBytes);
    if (!timingSafeEqual(code, this.#code(open))) return null;
    const reader = new ByteReader(open);
    const isKnown = reader.byte() === version;
    const kind = kinds[reader.byte()];
    const workerId = reader.shortText();
    const epoch = reader.shortText();
    const count = reader.integer();
    const nonce = reader.raw(nonceBytes);
    const body = reader.raw(reader.bytesLeft);
    if (!isKnown || kind === undefined || !reader.isDone) return null;
    if (!isWorkerName(workerId) || (epoch !== "" && !isWorkerName(epoch))) return null;
    return { kind, workerId, epoch, count, nonce, body };
  }

  #code(bytes: Uint8Array): Uint8Array {
    const inside = hash("sha256", joined(this.#inner, bytes), "buffer");
    return hash("sha256", joined(this.#outer, inside), "buffer");
  }
}

function padded(key: Uint8Array, pad: number): Uint8Array {
  return Uint8Array.from({ length: blockBytes }, (_, index) => (key[index] ?? 0) ^ pad);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
