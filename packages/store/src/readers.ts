// Programs that only read: they need not wait for a commit.

export { findChatTurn } from "./programs/chat-turns.ts";
export { listConversations, readListed } from "./programs/conversation-heads.ts";
export { listErasers, owedErasures } from "./programs/erasures.ts";
export { listItems, readConversation, readHistory, readItem } from "./programs/conversations.ts";
export { checkReferences, countRows, scanRows } from "./programs/maintenance.ts";
export { readChain, readResponse, readResponseTokens } from "./programs/responses.ts";
