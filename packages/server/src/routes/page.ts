// The page: each of its files at an address of its own, open to everybody, since it holds nothing
// but what is public in the source. The data it shows it asks for like any other client.

import type { FastifyReply, FastifyRequest } from "fastify";
import type { PageEncoding, PageFile, StaticPage } from "../page/static-page.ts";
import type { Routes } from "./routes.ts";

/** Nothing but what came from here is run, shown or called; nobody frames it. */
const contentSecurityPolicy = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const pageHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": contentSecurityPolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

const notBuilt = `loci serves its API here; the page is not built.

In loci's folder: npm run page
Then start loci anew. What the API knows: /openapi.json
`;

/** Null: it was not built. */
export function pageRoutes(app: Routes, page: StaticPage | null): void {
  const open = { config: { open: true }, schema: { hide: true } };
  if (page === null) {
    app.get("/", open, (_request, reply) =>
      reply.headers(pageHeaders).type("text/plain; charset=utf-8").send(notBuilt),
    );
    return;
  }
  for (const file of page.files) {
    app.get(file.path, open, (request, reply) => sendFile(file, request, reply));
  }
}

function sendFile(file: PageFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { headers } = request;
  reply.headers(pageHeaders).headers({
    // A page of before must not ask for files that are no more.
    "cache-control": file.isHashed ? "public, max-age=31536000, immutable" : "no-cache",
    etag: file.etag,
  });
  if (file.compressed.length > 0) reply.header("vary", "accept-encoding");
  if (matches(headers["if-none-match"], file.etag)) return reply.code(304).send();
  const accepted = acceptedEncodings(headers["accept-encoding"]);
  const variant = file.compressed.find(({ encoding }) => accepted.has(encoding));
  if (variant !== undefined) reply.header("content-encoding", variant.encoding);
  return reply.type(file.contentType).send(variant?.bytes ?? file.plain);
}

function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const tags = new Set(header.split(",").map(opaqueTag));
  return tags.has(opaqueTag(etag)) || tags.has("*");
}

function opaqueTag(tag: string): string {
  return tag.trim().replace(/^W\//, "");
}

/** Those named without a weight of 0. */
function acceptedEncodings(header: string | readonly string[] | undefined): Set<PageEncoding> {
  const accepted = new Set<PageEncoding>();
  for (const part of String(header ?? "").split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const isRefused = parameters.some((text) => /^q=0(?:\.0*)?$/.test(text));
    if (!isRefused && (name === "br" || name === "gzip")) accepted.add(name);
  }
  return accepted;
}
