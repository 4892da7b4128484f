// Where an engine's cache events come from: as the operator says, or as SGLang says of itself.

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
