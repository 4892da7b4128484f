// A process that begins a turn and claims a key on a shared database, says so, and waits to be killed.
//
// Arguments: URL of the database, tenant.

import { openStore } from "../open-store.ts";
import { startSeconds, turnBegin } from "../suite/samples.ts";

const [url = "", tenant = ""] = process.argv.slice(2);
const store = await openStore(url);
await store.turns.begin(tenant, turnBegin("r", { conversation: { id: "c", version: 0 } }));
await store.idempotency.claim(tenant, {
  key: "key",
  requestDigest: "d",
  createdUnixSeconds: startSeconds,
});
process.stdout.write("begun\n");
// The connection that says "alive" keeps the process going.
