// Turns a failed validation into one sentence that names the field, and evens out what clients
// send for "not set".

import { LociError } from "@loci/core";
import type { FastifySchemaValidationError } from "fastify";
import { printable } from "../json-guard.ts";

interface VerboseError extends FastifySchemaValidationError {
  readonly parentSchema?: { readonly description?: string };
}

/** The error for a body that does not fit its schema; `param` is OpenAI's path of the field. */
export function validationError(errors: readonly FastifySchemaValidationError[]): LociError {
  // Of a union's errors the one of the union itself is the outermost and names all its forms.
  const union = errors.find((error) => error.keyword === "anyOf");
  const error: VerboseError | undefined = union ?? errors[0];
  if (error === undefined) return new LociError("invalid_request", "The body is not valid.");
  const field = fieldPath(error.instancePath);
  if (error.keyword === "additionalProperties") {
    const unknown = join(field, printable(String(error.params["additionalProperty"])));
    return new LociError("invalid_request", `Unknown field '${unknown}'.`, { param: unknown });
  }
  if (error.keyword === "required") {
    const missing = join(field, String(error.params["missingProperty"]));
    return new LociError("invalid_request", `'${missing}' is missing.`, { param: missing });
  }
  return new LociError("invalid_request", sentence(field, error), { param: field || "body" });
}

function sentence(field: string, error: VerboseError): string {
  const description = error.parentSchema?.description;
  const rule = error.keyword === "anyOf" ? "must be" : (error.message ?? "is not valid");
  const subject = field === "" ? "The body" : `'${field}'`;
  if (error.keyword === "anyOf") return `${subject} ${rule} ${description ?? "of a known form"}.`;
  return description === undefined ? `${subject} ${rule}.` : `${subject} ${rule} (${description}).`;
}

/** `/messages/0/content` as `messages[0].content`. */
function fieldPath(pointer: string): string {
  const steps = pointer.split("/").slice(1).map(unescapeStep);
  return printable(steps.reduce((path, step) => join(path, step), ""));
}

function unescapeStep(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}

function join(path: string, step: string): string {
  if (path === "") return step;
  return /^\d+$/.test(step) ? `${path}[${step}]` : `${path}.${step}`;
}

/**
 * Clients send null for what is not set, at the top, in messages and in stream_options: removed
 * in place before validation.
 */
export function dropNulls(body: unknown): void {
  if (!isRecord(body)) return;
  removeNulls(body);
  if (isRecord(body["stream_options"])) removeNulls(body["stream_options"]);
  const messages = body["messages"];
  if (!Array.isArray(messages)) return;
  for (const message of messages.slice(0, 10_000)) if (isRecord(message)) removeNulls(message);
}

function removeNulls(record: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(record)) {
    if (value === null) Reflect.deleteProperty(record, key);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
