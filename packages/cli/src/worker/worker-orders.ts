// What `loci serve` tells each of its worker processes, besides its name and key: the settings, as
// if they stood on the worker's own command line, and where to listen.

import { isSettingName, LociError } from "@loci/core";
import type { ConfigSources, FlagValue } from "@loci/core";
import type { ListenAddress } from "@loci/cluster";

export interface WorkerOrders {
  readonly flags: ConfigSources["flags"];
  readonly listen: ListenAddress;
  /** There are others to fetch blocks from. */
  readonly exchangesBlocks: boolean;
}

/** From plain JSON; throws config_invalid for what `loci serve` would not say. */
export function readWorkerOrders(value: unknown): WorkerOrders {
  const flags: Record<string, FlagValue> = {};
  for (const [name, flag] of Object.entries(objectOf(field(value, "flags")))) {
    if (!isSettingName(name) || !isFlagValue(flag)) throw strange(`the setting ${name}`);
    flags[name] = flag;
  }
  const exchangesBlocks = field(value, "exchangesBlocks");
  if (typeof exchangesBlocks !== "boolean") throw strange("exchangesBlocks");
  return { flags, listen: listenAddress(field(value, "listen")), exchangesBlocks };
}

function listenAddress(value: unknown): ListenAddress {
  const socketPath = field(value, "socketPath");
  if (typeof socketPath === "string") return { socketPath };
  const [host, port] = [field(value, "host"), field(value, "port")];
  if (typeof host === "string" && typeof port === "number") return { host, port };
  throw strange("listen");
}

function isFlagValue(value: unknown): value is FlagValue {
  if (typeof value === "string" || typeof value === "boolean") return true;
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function objectOf(value: unknown): object {
  if (typeof value === "object" && value !== null) return value;
  throw strange("an object");
}

function field(value: unknown, name: string): unknown {
  return Reflect.get(objectOf(value), name);
}

function strange(what: string): LociError {
  return new LociError("config_invalid", `A worker's orders cannot be read: ${what}.`);
}
