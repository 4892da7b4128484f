// Every bound of the store, by name. What is over a bound of its size is refused with
// `invalid_request`, what is over a tenant's count with `storage_quota_exceeded`.

/** UTF-8 bytes of a tenant's name, an id, an item type, an idempotency key or a content hash. */
export const idBytesMax: number = 256;
/** UTF-8 bytes of one item's JSON. */
export const itemBytesMax: number = 8 * 2 ** 20;
/** UTF-8 bytes of all JSON of one turn: parameters, items, usage and the rest. */
export const turnBytesMax: number = 32 * 2 ** 20;
/** UTF-8 bytes of a conversation's metadata. */
export const metadataBytesMax: number = 64 * 2 ** 10;
/** Items given in one call. */
export const itemsPerCallMax: number = 4_096;
/** Items and bytes that one conversation may hold. */
export const conversationItemsMax: number = 65_536;
export const conversationBytesMax: number = 64 * 2 ** 20;
/** Items in one page. */
export const itemPageMax: number = 100;
/** Conversations in one page; characters of a search. */
export const conversationPageMax: number = 100;
export const queryCharsMax: number = 200;
/** Conversations that one search looks at, and characters of each that it finds something in. */
export const searchedMax: number = 10_000;
export const searchCharsMax: number = 4_096;
/** Characters of a title. */
export const titleCharsMax: number = 80;
/** Token ids of one turn, prompt and answer. */
export const turnTokensMax: number = 4 * 2 ** 20;
/** Conversations and responses of one tenant. */
export const conversationsMax: number = 1_000_000;
export const responsesMax: number = 4_000_000;
/** Turns of one `previousResponseId` chain that are followed. */
export const responseChainMax: number = 4_096;
/** Chat turns remembered for one tenant; the oldest go first. */
export const chatTurnsMax: number = 4_096;
/** Keys that one `chatTurns.find` or `forget` may name. */
export const chatKeysMax: number = 1_024;
/** UTF-8 bytes of one stored reply. */
export const replyBytesMax: number = 16 * 2 ** 20;
/** Idempotency keys alive for one tenant, and how long one is kept at least. */
export const idempotencyKeysMax: number = 100_000;
export const idempotencySecondsMin: number = 24 * 3_600;
/** Erasures that wait for workers, in all and of one tenant, and tokens in them. */
export const erasuresMax: number = 16_384;
export const erasuresOfTenantMax: number = 64;
export const erasureTokensMax: number = 4 * 2 ** 20;
/** Workers that are waited for, and how long for one that does not come back. */
export const erasingWorkersMax: number = 1_024;
export const erasingWorkerSecondsMax: number = 30 * 24 * 3_600;
/** 4 KiB pages of a SQLite file: 256 GiB. */
export const sqlitePagesMax: number = 64 * 2 ** 20;
