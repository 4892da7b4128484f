// The lines of GET /worker/events: who the worker is, then what happens there. The first line is
// `hello`; what follows belongs to the epoch it names.

import { kvTierNames } from "@loci/core";
import type { KvEvent, KvEventBatch, KvSnapshot, ServiceSnapshot, WorkerLoad } from "@loci/core";
import type { WorkerFacts } from "@loci/router";
import { Fields } from "./fields.ts";
import { decodeLoad, decodeSnapshot } from "./load-line.ts";
import { base64OfNames, isBlockName, namesOfBytes } from "./number-bytes.ts";
import { WireError } from "./wire-error.ts";

/** Raised when the two sides would misunderstand each other. */
export const protocolVersion = 1;

/** A snapshot of a million blocks in three memories is the longest. */
export const controlLineBytesMax: number = 64 * 1024 * 1024;

const eventsMax = 65_536;
const namesMax = 1_048_576;
const idCharsMax = 256;
const countMax = 2 ** 40;

export type ControlLine =
  | {
      readonly kind: "hello";
      readonly facts: WorkerFacts;
      /** It takes requests over a trunk; see trunk-lines.ts. An older one does not say so. */
      readonly hasTrunk: boolean;
    }
  | {
      readonly kind: "load";
      readonly load: WorkerLoad;
      readonly snapshot: ServiceSnapshot;
      /** Of the last batch before it. */
      readonly sequence: number;
    }
  | { readonly kind: "batch"; readonly batch: KvEventBatch }
  | { readonly kind: "snapshot"; readonly snapshot: KvSnapshot }
  | { readonly kind: "draining" };

export function encodeControlLine(line: ControlLine): string {
  if (line.kind === "hello") return JSON.stringify({ ...line, protocol: protocolVersion });
  if (line.kind !== "snapshot") return JSON.stringify(line);
  return kvSnapshotText({ kind: "snapshot" }, line.snapshot);
}

/** Throws WireError. */
export function decodeControlLine(value: unknown): ControlLine {
  const fields = new Fields(value);
  const kinds = ["hello", "load", "batch", "snapshot", "draining"] as const;
  const kind = fields.choice("kind", kinds);
  switch (kind) {
    case "hello":
      if (fields.integer("protocol") !== protocolVersion) {
        throw new WireError(`the worker does not speak version ${protocolVersion}`);
      }
      return {
        kind,
        facts: decodeFacts(fields.object("facts")),
        hasTrunk: fields.has("hasTrunk") && fields.flag("hasTrunk"),
      };
    case "load": {
      const load = decodeLoad(fields.object("load"));
      const snapshot = decodeSnapshot(fields.object("snapshot"));
      return { kind, load, snapshot, sequence: fields.integer("sequence") };
    }
    case "batch":
      return { kind, batch: decodeBatch(fields.object("batch")) };
    case "snapshot":
      return { kind, snapshot: decodeKvSnapshot(fields) };
    case "draining":
      break;
  }
  return { kind };
}

/**
 * An object with `fields` and the snapshot, as JSON. Put together by hand: to look at every letter of
 * megabytes of names takes JSON.stringify longer than all the rest.
 */
export function kvSnapshotText(fields: object, { sequence, held }: KvSnapshot): string {
  const head = JSON.stringify({ ...fields, sequence }).slice(0, -1);
  const sent = held.map(
    ({ tier, blocks }) => `{"tier":"${tier}","blocks":"${base64OfNames(blocks)}"}`,
  );
  return `${head},"held":[${sent.join(",")}]}`;
}

/** Throws WireError. */
export function decodeKvSnapshot(fields: Fields): KvSnapshot {
  const held = fields.list("held", kvTierNames.length).map((item) => {
    const part = new Fields(item);
    const blocks = namesOfBytes(part.bytes("blocks", 8 * namesMax));
    return { tier: part.choice("tier", kvTierNames), blocks };
  });
  return { sequence: fields.integer("sequence"), held };
}

/** Throws WireError. */
export function decodeFacts(fields: Fields): WorkerFacts {
  return {
    id: nonEmpty(fields.text("id", idCharsMax)),
    epoch: nonEmpty(fields.text("epoch", idCharsMax)),
    model: fields.text("model", idCharsMax),
    fingerprint: fields.text("fingerprint", idCharsMax),
    contextTokensMax: fields.integer("contextTokensMax", 1, countMax),
    blockTokens: fields.integer("blockTokens", 1, 65_536),
    kvBlocksTotal: fields.integer("kvBlocksTotal", 1, countMax),
    sequencesMax: fields.integer("sequencesMax", 1, countMax),
    toleratesGaps: fields.flag("toleratesGaps"),
    sendsEvents: fields.flag("sendsEvents"),
    continuesAnswers: fields.flag("continuesAnswers"),
  };
}

/** Throws WireError. */
export function decodeBatch(fields: Fields): KvEventBatch {
  const events = fields.list("events", eventsMax).map((item) => decodeKvEvent(new Fields(item)));
  return { sequence: fields.integer("sequence", 1), events };
}

function decodeKvEvent(fields: Fields): KvEvent {
  const type = fields.choice("type", ["stored", "removed", "cleared"] as const);
  if (type === "cleared") return { type };
  const blocks = fields.list("blocks", namesMax).filter(isBlockName);
  return { type, tier: fields.choice("tier", kvTierNames), blocks };
}

function nonEmpty(text: string): string {
  if (text === "") throw new WireError("a worker has a name");
  return text;
}
