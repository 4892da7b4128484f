// Workers of one server are called alike on every machine. In a log that several servers share they
// go by where they are, too; so what one server deletes is erased by the others' workers as well.

import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { resolve } from "node:path";

import type { Config, ErasureLog } from "@loci/core";

const digestChars = 16;

/** The log for workers of this server, whose ids are its own. */
export function erasuresHere(
  log: ErasureLog,
  config: Pick<Config, "store" | "kvDiskPath" | "port">,
): ErasureLog {
  const prefix = `${placeOf(config)}/`;
  const shared = (id: string): string => `${prefix}${id}`;
  return {
    meet: (ids) => log.meet(ids.map(shared)),
    add: (tenant, deleted) => log.add(tenant, deleted),
    owed: (id) => log.owed(shared(id)),
    done: (id, through) => log.done(shared(id), through),
    // Those of other servers keep their long names: here they are strangers that are away.
    workers: async () => {
      const workers = await log.workers();
      return workers.map(({ id, owesSome }) => {
        const isHere = id.startsWith(prefix);
        return { id: isHere ? id.slice(prefix.length) : id, owesSome };
      });
    },
  };
}

/** The same after a restart, as long as the workers have the same disk. A file is one server's. */
function placeOf({ store, kvDiskPath, port }: Parameters<typeof erasuresHere>[1]): string {
  if (!/^postgres(ql)?:/.test(store ?? "")) return "here";
  const memory = kvDiskPath === null ? String(port) : resolve(kvDiskPath);
  const digest = createHash("sha256")
    .update(JSON.stringify([hostname(), memory]))
    .digest("hex");
  return digest.slice(0, digestChars);
}
