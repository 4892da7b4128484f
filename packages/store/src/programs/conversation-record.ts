// A conversation's row as callers see it.

import { parseObject } from "../packed.ts";
import type { Conversation } from "../records.ts";
import type { ConversationRow } from "../tables.ts";

export function conversationOf(row: ConversationRow): Conversation {
  return {
    id: row.id,
    createdUnixSeconds: row.created,
    metadata: parseObject(row.metadata),
    version: row.version,
    itemCount: row.item_count,
    busyResponseId: row.busy_response,
    lastResponseId: row.last_response,
  };
}
