// Names on the NATS server. Everything of a cluster lies under `loci.<cluster>.`, so that permissions
// can be given by prefix; ids become parts of subjects only when they cannot be anything else.

import { LociError } from "@loci/core";

const idBytesMax = 128;

/** True for what can be the id or the epoch of a worker: printable, and short. */
export function isWorkerName(text: string): boolean {
  return text.length > 0 && text.length <= idBytesMax && /^[\x21-\x7e]+$/.test(text);
}

/**
 * `text`, when it can be the name of what `what` says.
 * @throws LociError config_invalid
 */
export function checkedName(what: string, text: string): string {
  if (isWorkerName(text)) return text;
  throw new LociError(
    "config_invalid",
    `The ${what} ${JSON.stringify(text.slice(0, 80))} cannot be used with NATS.`,
    { remedy: `Use 1 to ${idBytesMax} letters, digits and signs, without spaces.` },
  );
}

/** What can stand between two dots of a subject for `text`: one to one, and nothing to NATS. */
function token(text: string): string {
  return text.replaceAll(
    /[^A-Za-z0-9_-]/g,
    (sign) => `=${sign.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

export interface Subjects {
  /** Heartbeats with who a worker is. */
  member(workerId: string): string;
  /** Load reports. */
  load(workerId: string): string;
  /** Changes of its blocks; kept by the stream. */
  events(workerId: string, epoch: string): string;
  /** Where a worker is asked who it is. */
  prove(workerId: string): string;
  /** Where it is asked for what was missed of its events. */
  repair(workerId: string): string;
  /** Requests that a router sent to workers. */
  sent(routerId: string): string;
  /** All of a kind, for those who listen. */
  readonly allMembers: string;
  readonly allLoads: string;
  readonly allEvents: string;
  readonly allSent: string;
  /** The JetStream stream that keeps the events. */
  readonly stream: string;
}

/** @throws LociError config_invalid for a name that cannot be part of a subject */
export function subjectsOf(cluster: string): Subjects {
  const name = token(checkedName("cluster name", cluster));
  const root = `loci.${name}`;
  return {
    member: (workerId) => `${root}.member.${token(workerId)}`,
    load: (workerId) => `${root}.load.${token(workerId)}`,
    events: (workerId, epoch) => `${root}.kv.${token(workerId)}.${token(epoch)}`,
    prove: (workerId) => `${root}.prove.${token(workerId)}`,
    repair: (workerId) => `${root}.repair.${token(workerId)}`,
    sent: (routerId) => `${root}.sent.${token(routerId)}`,
    allMembers: `${root}.member.*`,
    allLoads: `${root}.load.*`,
    allEvents: `${root}.kv.*.*`,
    allSent: `${root}.sent.*`,
    stream: `loci_${name}_kv`,
  };
}
