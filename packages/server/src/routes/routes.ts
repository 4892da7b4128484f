// What all route files share: the type of the application they add to, and how a route is
// described once for validation and for /openapi.json.

import type { FastifyInstance, FastifySchema } from "fastify";
import type { TSchema } from "typebox";
import { errorResponse } from "../schemas/response-bodies.ts";

export type Routes = FastifyInstance;

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
  readonly tag: "generation" | "models" | "tokens" | "operations";
  readonly body?: TSchema;
  /** Body of 200; absent for text. */
  readonly response?: TSchema;
  /** With `stream: true` the answer comes as server-sent events. */
  readonly streams?: boolean;
}

export function documented(route: RouteDescription): FastifySchema {
  const streams = "With `stream: true`: server-sent events, the last of which is `[DONE]`.";
  return {
    summary: route.summary,
    tags: [route.tag],
    ...(route.streams ? { description: streams } : {}),
    ...(route.body ? { body: route.body } : {}),
    response: {
      200: route.response ?? { type: "string" },
      "4xx": errorResponse,
      "5xx": errorResponse,
    },
  };
}
