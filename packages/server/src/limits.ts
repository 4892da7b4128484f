// Every bound of the HTTP application, by name. `requestLimits` are part of the API and stand in
// its schemas; `ServerLimits` belong to one server and may be set by its operator.

/** Bounds on the fields of a request; the same for every server. */
export const requestLimits = {
  choicesMax: 8,
  /** Prompts × n of one completion request. */
  generationsMax: 32,
  grammarCharsMax: 65_536,
  idCharsMax: 256,
  /** Entries of `logit_bias` and `stop_token_ids`. */
  listEntriesMax: 128,
  logprobsMax: 20,
  messagesMax: 2048,
  metadataKeysMax: 16,
  metadataValueCharsMax: 512,
  partsMax: 2048,
  promptsMax: 32,
  schemaCharsMax: 65_536,
  stopBytesMax: 256,
  stopStringsMax: 4,
  templateVariablesMax: 16,
  tokensMax: 2_147_483_647,
  toolCallsMax: 128,
  toolsMax: 128,
} as const;

/** Bounds of one server. */
export interface ServerLimits {
  /** Larger bodies are refused with 413 while they arrive. */
  readonly bodyBytesMax: number;
  /** Memory for bodies that are being received, all connections together. */
  readonly bodyBytesInFlightMax: number;
  readonly connectionsMax: number;
  readonly headerBytesMax: number;
  readonly headersMax: number;
  readonly headersTimeoutMs: number;
  readonly jsonDepthMax: number;
  /** Objects and arrays in one body. */
  readonly jsonContainersMax: number;
  /** Keys of one object. */
  readonly jsonKeysMax: number;
  /** Values of any kind in one body. */
  readonly jsonValuesMax: number;
  readonly keepAliveTimeoutMs: number;
  /** Requests of one connection that wait for an earlier one's answer. */
  readonly pipelinedMax: number;
  /** Time to receive a whole request. */
  readonly requestTimeoutMs: number;
  /** How long a client may leave its 256 KiB of unread answer lying before it is cut. */
  readonly slowReaderMs: number;
  readonly ssePingMs: number;
  /** Longest text per token of context; longer prompts are refused before tokenising. */
  readonly textBytesPerContextToken: number;
}

export const defaultServerLimits: ServerLimits = {
  bodyBytesMax: 8 * 1024 * 1024,
  bodyBytesInFlightMax: 256 * 1024 * 1024,
  connectionsMax: 1024,
  headerBytesMax: 16 * 1024,
  headersMax: 100,
  headersTimeoutMs: 10_000,
  jsonDepthMax: 64,
  jsonContainersMax: 65_536,
  jsonKeysMax: 4096,
  jsonValuesMax: 262_144,
  keepAliveTimeoutMs: 65_000,
  pipelinedMax: 16,
  requestTimeoutMs: 60_000,
  slowReaderMs: 30_000,
  ssePingMs: 15_000,
  textBytesPerContextToken: 64,
};

/** Unread bytes of an answer kept for one client at most. */
export const unreadBytesMax: number = 256 * 1024;
