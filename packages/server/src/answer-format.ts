// The form an answer must have, from whichever field asks for it, as one GBNF grammar. Two fields
// that ask at once are refused: one of them would be ignored.

import { LociError, type JsonSpacing, type TextCodec } from "@loci/core";
import { requestLimits } from "./limits.ts";
import { invalid } from "./sampling-params.ts";
import type { GenerationFields } from "./schemas/sampling.ts";

/** A demanded form and the field that demanded it. */
export interface AnswerFormat {
  readonly param: string;
  readonly grammar: string;
}

/** Null for free text. Throws invalid_request or unsupported_schema. */
export function answerFormat(body: GenerationFields, codec: TextCodec): AnswerFormat | null {
  const wishes = [
    fromResponseFormat(body, codec),
    fromGrammar("grammar", body.grammar, codec),
    fromSchema("guided_json", body.guided_json, codec),
    fromSchema("structured_outputs", body.structured_outputs?.json, codec),
    fromGrammar("structured_outputs", body.structured_outputs?.grammar, codec),
  ].filter((wish) => wish !== null);
  const [first, second] = wishes;
  if (second !== undefined) {
    throw invalid(second.param, `'${first?.param}' and '${second.param}' exclude each other.`);
  }
  return first ?? null;
}

function fromResponseFormat(body: GenerationFields, codec: TextCodec): AnswerFormat | null {
  const format = body.response_format;
  if (format === undefined || format.type === "text") return null;
  if (format.type === "json_schema") {
    return fromSchema("response_format", format.json_schema.schema, codec);
  }
  return fromSchema("response_format", format.schema ?? null, codec);
}

function fromGrammar(
  param: string,
  grammar: string | undefined,
  codec: TextCodec,
): AnswerFormat | null {
  if (grammar === undefined) return null;
  if (grammar.includes("\0")) throw invalid(param, "A grammar holds no NUL character.");
  named(param, () => codec.checkGrammar(grammar));
  return { param, grammar };
}

/** `schema` null: any JSON object; undefined: no wish. */
function fromSchema(param: string, schema: unknown, codec: TextCodec): AnswerFormat | null {
  if (schema === undefined) return null;
  return { param, grammar: schemaGrammar(schema, param, codec) };
}

/** The grammar of a JSON schema, with the failing field named. */
export function schemaGrammar(
  schema: unknown,
  param: string,
  codec: TextCodec,
  spacing?: JsonSpacing,
): string {
  if (JSON.stringify(schema).length > requestLimits.schemaCharsMax) {
    const { schemaCharsMax } = requestLimits;
    throw new LociError(
      "unsupported_schema",
      `A schema has at most ${schemaCharsMax} characters.`,
      { param },
    );
  }
  return named(param, () => codec.grammarForSchema(schema, spacing));
}

/** What `make` returns; its LociError names the field. */
function named<T>(param: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof LociError) || error.param !== null) throw error;
    throw new LociError(error.code, error.message, { param, cause: error });
  }
}
