// Where an engine's cache events come from: as the operator says, or as SGLang says of itself.

import type { WorkerAddress } from "@loci/cluster";
import { parseJson, stringAt } from "../http/fields.ts";
import type { EventSources } from "./event-subscriber.ts";
import { isEventEndpoint } from "./event-subscriber.ts";

/**
 * Reads `--kv-events-config`, as an engine reports it. Its endpoints are bound to every interface;
 * they are looked for at the host where the engine answers, and nowhere else.
 */
export function eventSourcesOf(config: string | null, host: string): EventSources | null {
  const value = config === null ? undefined : parseJson(config);
  if (stringAt(value, "publisher") !== "zmq" || host === "") return null;
  const endpoint = reachable(stringAt(value, "endpoint") ?? "tcp://*:5557", host);
  const replay = stringAt(value, "replay_endpoint");
  if (endpoint === null) return null;
  return {
    endpoint,
    replayEndpoint: replay === null ? null : reachable(replay, host),
    topic: stringAt(value, "topic") ?? "",
  };
}

function reachable(endpoint: string, host: string): string | null {
  const port = /^tcp:\/\/(?:\*|0\.0\.0\.0|\[::\]):(\d{1,5})$/.exec(endpoint)?.[1];
  const found = port === undefined ? "" : `tcp://${host}:${port}`;
  return isEventEndpoint(found) ? found : null;
}

export interface EventPorts {
  readonly port: number;
  /** Null: missed batches cannot be had again. */
  readonly replayPort: number | null;
  readonly topic: string;
}

/**
 * For engines that publish at the same ports of their hosts (vLLM: 5557, and what its
 * `replay_endpoint` says). Of several engines at one host only the first is listened to: nobody knows
 * whose events these are, and what others hold is assumed from what was sent.
 */
export function eventsAtPorts(ports: EventPorts): (address: WorkerAddress) => EventSources | null {
  const urls = new Map<string, string>();
  return ({ host, url }) => {
    if (host === "" || (urls.get(host) ?? url) !== url) return null;
    urls.set(host, url);
    const at = (port: number): string => `tcp://${host}:${port}`;
    const replayEndpoint = ports.replayPort === null ? null : at(ports.replayPort);
    return { endpoint: at(ports.port), replayEndpoint, topic: ports.topic };
  };
}
