// Between text and token ids: what the HTTP layer needs of a model besides generating.

/** How a model writes its tool calls; `none` = its template does not know tools. */
export type ToolCallFormat = "none" | "hermes" | "llama3-json" | "mistral";

export interface ModelInfo {
  /** The name in the API. */
  readonly id: string;
  readonly createdUnixSeconds: number;
  readonly contextTokensMax: number;
  readonly vocabularySize: number;
  readonly architecture: string;
  /** Null when the model has no chat template. */
  readonly toolCallFormat: ToolCallFormat | null;
}

/** A chat as the template sees it; plain JSON, already validated by the API. */
export interface ChatPrompt {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly unknown[] | null;
  /** Extra variables for the template, e.g. `enable_thinking`. */
  readonly templateVariables: Readonly<Record<string, string | number | boolean>>;
  /** True: end with the header of an assistant turn. */
  readonly addGenerationPrompt: boolean;
}

export interface ChatMessage {
  readonly role: string;
  readonly content: string | null;
  readonly name?: string;
  readonly toolCalls?: readonly ChatToolCall[];
  readonly toolCallId?: string;
}

export interface ChatToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

export interface TokenizeOptions {
  /** Adds the tokens the model wants around a text (BOS and the like). */
  readonly addSpecial: boolean;
  /** Recognises special tokens written in the text. Never for text from users. */
  readonly parseSpecial: boolean;
}

/** White space between the elements of JSON: a line break and an indentation at most, or one space. */
export type JsonSpacing = "indented" | "one-line";

export interface TextCodec {
  /** The chat as token ids. Text in user content that looks like a special token stays text. */
  encodeChat(chat: ChatPrompt): Promise<Int32Array>;
  tokenize(text: string, options: TokenizeOptions): Promise<Int32Array>;
  /** Invalid UTF-8 becomes U+FFFD. */
  detokenize(tokens: Int32Array): Promise<string>;
  /** The bytes a token stands for; empty for control tokens. */
  tokenBytes(tokenId: number): Uint8Array;
  /** GBNF for a JSON schema (`null`: any JSON object); throws unsupported_schema. Indented unless said. */
  grammarForSchema(schema: unknown, spacing?: JsonSpacing): string;
  /** Throws invalid_request for a GBNF text that cannot be used safely; before it is generated with. */
  checkGrammar(grammar: string): void;
}
