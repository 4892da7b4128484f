// What all route files share: the type of the application they add to, and how a route is
// described once for validation and for /openapi.json.

import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyBaseLogger, FastifyInstance, FastifySchema } from "fastify";
import type {
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { TSchema } from "typebox";
import { errorResponse } from "../schemas/response-bodies.ts";

/** Bodies have the types of their schemas. */
export type Routes = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module "fastify" {
  interface FastifyRequest {
    /** Whose request this is; decides what cache it may share. */
    tenant: string;
  }
  interface FastifyContextConfig {
    /** Answers without an API key. */
    readonly open?: boolean;
  }
}

export interface RouteDescription {
  readonly summary: string;
  readonly tag: "generation" | "conversations" | "models" | "tokens" | "operations";
  /** Body of 200; absent for text. */
  readonly response?: TSchema;
  /** What its address holds. */
  readonly params?: TSchema;
  readonly query?: TSchema;
  /** With `stream: true` the answer comes as server-sent events. */
  readonly streams?: boolean;
}

/** The schema of a route without a body. */
export function documented(route: RouteDescription): FastifySchema {
  const streams = "With `stream: true`: server-sent events, the last of which is `[DONE]`.";
  return {
    summary: route.summary,
    tags: [route.tag],
    ...(route.params === undefined ? {} : { params: route.params }),
    ...(route.query === undefined ? {} : { querystring: route.query }),
    ...(route.streams ? { description: streams } : {}),
    response: {
      200: answer(route),
      "4xx": errorResponse,
      "5xx": errorResponse,
    },
  };
}

function answer({ response, streams }: RouteDescription): object {
  const description = "The answer";
  const text = { schema: { type: "string" } };
  if (response === undefined) return { description, content: { "text/plain": text } };
  const json = { "application/json": { schema: response } };
  return { description, content: streams ? { ...json, "text/event-stream": text } : json };
}

/** The response is left out of the type, as nothing is checked against it. */
type BodySchema<Body extends TSchema> = Omit<FastifySchema, "body" | "response"> & {
  readonly body: Body;
};

/** The schema of a route whose body must fit `body`. */
export function documentedBody<Body extends TSchema>(
  body: Body,
  route: RouteDescription,
): BodySchema<Body> {
  return { ...documented(route), body };
}
