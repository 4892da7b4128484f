// The chat template of a model: its own, or one that replaces it.

import type { Clock } from "@loci/core";
import type { GgufFile, Vocabulary } from "@loci/ggml";
import { ChatTemplate } from "./chat-template/chat-template.ts";

/** Null when neither the file nor the options have one. */
export async function makeTemplate(
  file: GgufFile,
  vocabulary: Vocabulary,
  options: { readonly chatTemplateSource?: string | undefined; readonly clock: Clock },
): Promise<ChatTemplate | null> {
  const own = file.metadata.get("tokenizer.chat_template");
  const source = options.chatTemplateSource ?? (typeof own === "string" ? own : null);
  if (source === null) return null;
  return ChatTemplate.create({
    source,
    bosToken: vocabulary.bosText,
    eosToken: vocabulary.eosText,
    specialTokens: vocabulary.specialTexts(),
    clock: options.clock,
  });
}
