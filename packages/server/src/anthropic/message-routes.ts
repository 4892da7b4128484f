// POST /v1/messages and /v1/messages/count_tokens: Anthropic's API over the same chats, tools,
// cache and conversations as OpenAI's. Errors of these addresses, those of the gates included, have
// Anthropic's form.

import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { LociError } from "@loci/core";
import type { FastifyRequest } from "fastify";
import { asLociError } from "../error-body.ts";
import { replyWithFailure } from "../error-replies.ts";
import { keyedAnswer } from "../idempotency/keyed-answer.ts";
import { documentedBody, type Routes } from "../routes/routes.ts";
import { invalid } from "../sampling-params.ts";
import { requireModel, requireReady, type ServerContext } from "../server-context.ts";
import { countTokensBody, messagesBody } from "./message-bodies.ts";
import type { PromptFields } from "./message-bodies.ts";
import { messageErrorReply } from "./message-errors.ts";
import { messageForm, wholeAsEvents } from "./message-events.ts";
import { messageSchemas } from "./message-schemas.ts";
import { prepareMessage, preparePrompt } from "./prepare-message.ts";

/** The versions of the API whose clients are served, both alike; requests need not name one. */
const apiVersions = ["2023-06-01", "2026-10-21"];

export function messageRoutes(app: Routes, context: ServerContext): void {
  app.register((plain, _options, done) => {
    const scope = plain.withTypeProvider<TypeBoxTypeProvider>();
    scope.setErrorHandler((thrown: unknown, request, reply) => {
      const error = asLociError(thrown);
      reply.header("request-id", request.id);
      replyWithFailure(context, reply, error, messageErrorReply(error, request.id));
    });
    scope.addHook("preValidation", (request, reply, next) => {
      reply.header("request-id", request.id);
      next(versionError(request) ?? undefined);
    });
    installRoutes(scope, context);
    done();
  });
}

function versionError({ headers }: FastifyRequest): LociError | null {
  const version = headers["anthropic-version"];
  if (version === undefined || apiVersions.includes(String(version))) return null;
  const known = apiVersions.join(" or ");
  return invalid("anthropic-version", `The header anthropic-version must be ${known}.`);
}

function installRoutes(scope: Routes, context: ServerContext): void {
  const schema = {
    ...documentedBody(messagesBody, { summary: "Answer messages", tag: "generation" }),
    ...messageSchemas.message,
  };
  scope.post("/v1/messages", { schema }, (request, reply) =>
    keyedAnswer({ context, request, reply }, request.body, {
      endpoint: "messages",
      prepare: prepareMessage,
      chunksOf: wholeAsEvents,
      streamForm: messageForm,
    }),
  );
  const countSchema = {
    ...documentedBody(countTokensBody, { summary: "Tokens of messages", tag: "tokens" }),
    ...messageSchemas.count,
  };
  scope.post("/v1/messages/count_tokens", { schema: countSchema }, ({ body, tenant }) =>
    countTokens(context, body, tenant),
  );
}

async function countTokens(
  context: ServerContext,
  body: PromptFields,
  tenant: string,
): Promise<object> {
  requireReady(context);
  requireModel(context, body.model);
  const { promptTokens } = await preparePrompt(context, body, tenant);
  return { input_tokens: promptTokens.length };
}
