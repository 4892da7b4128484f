// Programs that change something: one durable transaction each.

export { evictChatTurns, forgetChatTurns, rememberChatTurn } from "./programs/chat-turns.ts";
export {
  appendItems,
  createConversation,
  removeItem,
  updateMetadata,
} from "./programs/conversations.ts";
export { branchConversation } from "./programs/branches.ts";
export { addErasure, erasuresDone, meetErasers, purgeErasers } from "./programs/erasures.ts";
export { claimKey, finishKey, purgeKeys, releaseKey } from "./programs/idempotency.ts";
export { takeOwner } from "./programs/maintenance.ts";
export { purgeResponses, removeConversation, removeResponse } from "./programs/responses.ts";
export { beginTurn, commitTurn, interruptTurns, startTurn } from "./programs/turns.ts";
