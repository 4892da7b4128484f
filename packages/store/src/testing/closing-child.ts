// A process that opens a store, writes to it, closes it, and then has nothing left to do: it must end by
// itself with exit code 0.
//
// Arguments: URL of the store, name of the conversation.

import { openStore } from "../open-store.ts";
import { startSeconds } from "../suite/samples.ts";

const [url = "", id = ""] = process.argv.slice(2);
const store = await openStore(url);
const created = { id, createdUnixSeconds: startSeconds, metadata: {}, items: [] };
const isWaiting = id.endsWith("1");
const writing = store.conversations.create("tenant", created);
if (isWaiting) await writing;
await store.close();
await writing;
process.stdout.write("closed\n");
