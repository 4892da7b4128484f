// The served models in Anthropic's form, for requests that name a version of its API.

import type { FastifyRequest } from "fastify";
import type { ServerContext } from "../server-context.ts";

/** Whether the client speaks Anthropic's API: its clients always send the header. */
export function speaksAnthropic({ headers }: FastifyRequest): boolean {
  return headers["anthropic-version"] !== undefined;
}

/** All of them on one page. */
export function anthropicModels(context: ServerContext): object {
  const data = context.modelNames.map((name) => anthropicModel(context, name));
  const [first = null] = context.modelNames;
  return { data, has_more: false, first_id: first, last_id: context.modelNames.at(-1) ?? first };
}

/** One of them, by its id or an alias. */
export function anthropicModel({ model }: ServerContext, name: string): object {
  return {
    type: "model",
    id: name,
    display_name: name,
    created_at: isoTime(model.createdUnixSeconds),
    lifecycle: "active",
    line: null,
    deprecated_at: null,
    retires_at: null,
    max_input_tokens: model.contextTokensMax,
    max_tokens: model.contextTokensMax,
    capabilities: null,
  };
}

/** Sweden writes dates as the standard does, but for the letters. */
const calendar = new Intl.DateTimeFormat("sv-SE", {
  timeZone: "UTC",
  dateStyle: "short",
  timeStyle: "medium",
});

function isoTime(unixSeconds: number): string {
  return `${calendar.format(unixSeconds * 1000).replace(" ", "T")}Z`;
}
