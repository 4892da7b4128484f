// Whether a router's vocabulary is the engine's: with another one, answers would be nonsense without
// any error. The engine tokenises a text, and our bytes of its tokens have to be that text.

import { LociError } from "@loci/core";
import type { TokenCodec } from "../answer/engine-answer.ts";
import type { EngineDescription } from "../dialect/engine-dialect.ts";
import type { EngineHttp } from "../http/engine-http.ts";
import { listAt, parseJson } from "../http/fields.ts";

const probe = 'The quick brown fox, 1234 times: {"a": [1, 2]}\n\treturn x + y;';
const answerMs = 5000;

/** Throws `config_invalid` where they differ; passes where the engine has no route to ask. */
export async function checkVocabulary(
  http: EngineHttp,
  described: EngineDescription,
  codec: TokenCodec,
): Promise<void> {
  if (described.kind === "openai") return;
  const body =
    described.kind === "llama-server"
      ? { content: probe, add_special: false }
      : { model: described.model, prompt: probe, add_special_tokens: false };
  const { status, text } = await http.post("/tokenize", body, answerMs);
  if (status !== 200) return;
  const ids = listAt(parseJson(text), "tokens").filter((id) => typeof id === "number");
  if (ids.length === 0) return;
  const bytes = Buffer.concat(ids.map((id) => codec.tokenBytes(id)));
  // Some vocabularies begin every text with a space.
  if (bytes.toString().trimStart() === probe) return;
  throw new LociError(
    "config_invalid",
    `The engine's model (${described.model}) has another vocabulary than this router's.`,
    { remedy: "Give the router the model that the engine serves." },
  );
}
