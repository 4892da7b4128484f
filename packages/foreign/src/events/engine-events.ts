// The cache events of vLLM and SGLang, as msgpack carries them: a batch is [time, events, rank], and
// an event either an array that begins with its type (SGLang, vLLM until 0.23) or a map with its
// `type` (later vLLM). Fields may be missing at an array's end or from a map. What is not understood
// is left out and counted, never guessed.

import type { KvTierName } from "@loci/core";
import { Unpackr } from "msgpackr";
import { fieldAt } from "../http/fields.ts";

/** An engine's own name of a block: 64 bits, or bytes as one character each. */
export type EngineHash = bigint | string;

export interface EngineStored {
  readonly type: "stored";
  readonly hashes: readonly EngineHash[];
  readonly parent: EngineHash | null;
  /** `blockTokens` for each hash, in order. */
  readonly tokens: Int32Array;
  readonly blockTokens: number;
  readonly tier: KvTierName;
  /** Salt of the first block where the engine says: "" for none, null when it does not say. */
  readonly salt: string | null;
}

export interface EngineRemoved {
  readonly type: "removed";
  readonly hashes: readonly EngineHash[];
  /** Null: in every memory. */
  readonly tier: KvTierName | null;
}

export type EngineEvent = EngineStored | EngineRemoved | { readonly type: "cleared" };

export interface EngineBatch {
  readonly events: readonly EngineEvent[];
  /** Events that were left out: of adapters, of images, of other kinds of layers, or malformed. */
  readonly skipped: number;
}

/** Bytes of one batch; vLLM's hold one step's events. */
const batchBytesMax = 16 << 20;
const eventsMax = 65_536;
const tokensMax = 1 << 22;
const saltCharsMax = 512;

const unpackr = new Unpackr({ int64AsType: "bigint", useRecords: false, mapsAsObjects: true });

const storedFields = [
  "type",
  "block_hashes",
  "parent_block_hash",
  "token_ids",
  "block_size",
  "lora_id",
  "medium",
  "lora_name",
  "extra_keys",
  "group_idx",
  "kv_cache_spec_kind",
] as const;
const removedFields = ["type", "block_hashes", "medium", "group_idx"] as const;

/** Reads a batch; null when it is no batch at all. */
export function decodeBatch(bytes: Uint8Array): EngineBatch | null {
  if (bytes.length > batchBytesMax) return null;
  let value: unknown;
  try {
    value = unpackr.unpack(bytes);
  } catch {
    return null;
  }
  const list = Array.isArray(value) ? fieldAt(value, 1) : fieldAt(value, "events");
  if (!Array.isArray(list) || list.length > eventsMax) return null;
  const events: EngineEvent[] = [];
  let skipped = 0;
  for (const item of list as readonly unknown[]) {
    const event = readEvent(item);
    if (event === null) skipped++;
    else events.push(event);
  }
  return { events, skipped };
}

function readEvent(item: unknown): EngineEvent | null {
  const type = Array.isArray(item) ? fieldAt(item, 0) : fieldAt(item, "type");
  if (type === "BlockStored") return readStored(named(item, storedFields));
  if (type === "BlockRemoved") return readRemoved(named(item, removedFields));
  return type === "AllBlocksCleared" ? { type: "cleared" } : null;
}

/** An array's fields by name; a map as it is. */
function named(item: unknown, fields: readonly string[]): ReadonlyMap<string, unknown> {
  const value = (field: string, index: number): unknown =>
    Array.isArray(item) ? fieldAt(item, index) : fieldAt(item, field);
  return new Map(fields.map((field, index) => [field, value(field, index)]));
}

function readStored(fields: ReadonlyMap<string, unknown>): EngineStored | null {
  const hashes = readHashes(fields.get("block_hashes"));
  const blockTokens = Number(fields.get("block_size"));
  const tokens = readTokens(fields.get("token_ids"));
  const parent = fields.get("parent_block_hash");
  const parentHash = isAbsent(parent) ? null : readHash(parent);
  const tier = tierOf(fields.get("medium"));
  if (hashes === null || tokens === null || tier === null || parentHash === undefined) return null;
  if (!Number.isSafeInteger(blockTokens) || blockTokens < 1) return null;
  if (tokens.length !== hashes.length * blockTokens || !isPlain(fields)) return null;
  const salt = readSalt(fields.get("extra_keys"), hashes.length, parentHash === null);
  if (salt === undefined) return null;
  return { type: "stored", hashes, parent: parentHash, tokens, blockTokens, tier, salt };
}

function readRemoved(fields: ReadonlyMap<string, unknown>): EngineRemoved | null {
  const hashes = readHashes(fields.get("block_hashes"));
  const medium = fields.get("medium");
  const tier = isAbsent(medium) ? null : tierOf(medium);
  // Another group's blocks have the same hashes: theirs are not ours to remove.
  if (hashes === null || (!isAbsent(medium) && tier === null)) return null;
  return isFirstGroup(fields) ? { type: "removed", hashes, tier } : null;
}

/** Blocks of the model itself, of layers that attend to everything. */
function isPlain(fields: ReadonlyMap<string, unknown>): boolean {
  const kind = fields.get("kv_cache_spec_kind");
  if (!isAbsent(fields.get("lora_id")) || !isAbsent(fields.get("lora_name"))) return false;
  return isFirstGroup(fields) && (isAbsent(kind) || kind === "full_attention");
}

/** Hybrid models keep a table for each kind of layer; the first is what a prefix hit goes by. */
function isFirstGroup(fields: ReadonlyMap<string, unknown>): boolean {
  const group = fields.get("group_idx");
  return isAbsent(group) || Number(group) === 0;
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** Undefined: the blocks depend on more than tokens and a salt. Null: the engine does not say. */
function readSalt(keys: unknown, blocks: number, isRoot: boolean): string | null | undefined {
  if (isAbsent(keys)) return null;
  if (!Array.isArray(keys) || keys.length > blocks) return undefined;
  let salt = "";
  for (const [index, entry] of (keys as readonly unknown[]).entries()) {
    if (isAbsent(entry) || (Array.isArray(entry) && entry.length === 0)) continue;
    const only: unknown = Array.isArray(entry) && entry.length === 1 ? entry[0] : undefined;
    const isSalt = index === 0 && isRoot && typeof only === "string" && only.length <= saltCharsMax;
    if (!isSalt) return undefined;
    salt = only;
  }
  return salt;
}

function readHashes(value: unknown): readonly EngineHash[] | null {
  if (!Array.isArray(value)) return null;
  const hashes: EngineHash[] = [];
  for (const item of value as readonly unknown[]) {
    const hash = readHash(item);
    if (hash === undefined) return null;
    hashes.push(hash);
  }
  return hashes;
}

function readHash(value: unknown): EngineHash | undefined {
  // One number has one name, whether it came as 64 bits signed or not.
  if (typeof value === "bigint") return BigInt.asUintN(64, value);
  if (typeof value === "number" && Number.isSafeInteger(value)) {
    return BigInt.asUintN(64, BigInt(value));
  }
  if (value instanceof Uint8Array && value.length > 0 && value.length <= 64) {
    return Buffer.from(value).toString("latin1");
  }
  return undefined;
}

function readTokens(value: unknown): Int32Array | null {
  if (!Array.isArray(value) || value.length > tokensMax) return null;
  const tokens = new Int32Array(value.length);
  for (const [index, token] of (value as readonly unknown[]).entries()) {
    if (typeof token !== "number" || !Number.isInteger(token)) return null;
    if (token < 0 || token > 0x7fffffff) return null;
    tokens[index] = token;
  }
  return tokens;
}

/** Null for a memory of somebody else: shared stores are not this worker's. */
function tierOf(medium: unknown): KvTierName | null {
  if (isAbsent(medium)) return "device";
  if (typeof medium !== "string") return null;
  const name = medium.toUpperCase();
  if (name === "GPU" || name === "DEVICE" || name === "HBM") return "device";
  if (["CPU", "CPU_PINNED", "CPU_TIER1", "HOST", "DRAM", "RAM"].includes(name)) return "host";
  return ["DISK", "SSD", "NVME", "FS", "FILE", "STORAGE", "CPU_TIER2"].includes(name)
    ? "disk"
    : null;
}
