// What a repository of the hub holds: listed by the hub's own client, through our HTTP, with
// bounds on what an answer may be. What comes back is data to compare with, never a path.

import { listFiles, type ListFileEntry } from "@huggingface/hub";
import { LociError } from "@loci/core";
import type { Checksum, HubFile } from "./choose-file.ts";
import type { HttpClient, HttpResponse } from "./http-client.ts";
import { isHubPath, type HubReference } from "./model-reference.ts";
import { throwForStatus, withRetries, type RetryContext } from "./retry.ts";

const entriesMax = 20_000;
const pageBytesMax = 8 * 1024 * 1024;

export interface Hub {
  readonly client: HttpClient;
  /** E.g. `https://huggingface.co`, without a slash at the end. */
  readonly url: string;
  readonly token: string | null;
}

/** The files of the repository at the revision that the reference names. */
export async function listHubFiles(
  hub: Hub,
  reference: HubReference,
  context: RetryContext,
): Promise<HubFile[]> {
  const files: HubFile[] = [];
  let entries = 0;
  const listing = listFiles({
    repo: { type: "model", name: reference.repo },
    revision: encodeURIComponent(reference.revision),
    recursive: true,
    hubUrl: hub.url,
    fetch: fetchThrough(hub, reference.repo, context),
  });
  for await (const entry of listing) {
    if (++entries > entriesMax) {
      throw new LociError(
        "download_failed",
        `${reference.repo} has too many files to look through.`,
      );
    }
    const file = asHubFile(entry);
    if (file !== null) files.push(file);
  }
  return files;
}

/** Where the hub serves the file. */
export function fileUrl(hub: Hub, reference: HubReference, path: string): string {
  const segments = path.split("/").map((segment) => encodeURIComponent(segment));
  const revision = encodeURIComponent(reference.revision);
  return `${hub.url}/${reference.repo}/resolve/${revision}/${segments.join("/")}`;
}

/** Null for what is no plain file with a usable name, size and checksum. */
function asHubFile(entry: ListFileEntry): HubFile | null {
  if (entry.type !== "file" || typeof entry.path !== "string" || !isHubPath(entry.path))
    return null;
  const bytes = entry.lfs?.size ?? entry.size;
  const checksum = checksumOf(entry);
  if (!Number.isSafeInteger(bytes) || bytes < 0 || checksum === null) return null;
  return { path: entry.path, bytes, checksum };
}

function checksumOf(entry: ListFileEntry): Checksum | null {
  if (entry.lfs !== undefined) {
    const hex = lowerCase(entry.lfs.oid);
    return /^[0-9a-f]{64}$/.test(hex) ? { algorithm: "sha256", hex } : null;
  }
  const hex = lowerCase(entry.oid);
  return /^[0-9a-f]{40}$/.test(hex) ? { algorithm: "git-sha1", hex } : null;
}

/** The declared types are the client's hope; the value is what the server sent. */
function lowerCase(value: unknown): string {
  return typeof value === "string" ? value.toLowerCase() : "";
}

/** The client's `fetch`: our requests, our retries, the hub's origin only. */
function fetchThrough(hub: Hub, what: string, context: RetryContext): typeof fetch {
  const { origin } = new URL(hub.url);
  return (input) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== origin) {
      throw new LociError("download_failed", `${hub.url} lists files at another address.`);
    }
    return withRetries(
      context,
      () => 0,
      async () => {
        const response = await hub.client.get(url.href, {
          headers: { accept: "application/json" },
          token: hub.token,
          signal: context.signal,
        });
        throwForStatus(response, what);
        const link = response.header("link");
        return new Response(await readPage(response), { headers: link === null ? {} : { link } });
      },
    );
  };
}

async function readPage(response: HttpResponse): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  await response.read((part) => {
    bytes += part.byteLength;
    if (bytes > pageBytesMax) {
      throw new LociError("download_failed", "The hub's list of files is too long.");
    }
    parts.push(part);
  });
  const text = Buffer.concat(parts).toString("utf8");
  if (!isList(text)) {
    throw new LociError("download_failed", "The hub's answer is not a list of files.", {
      remedy: "Check HF_ENDPOINT.",
    });
  }
  return text;
}

function isList(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === "object" && item !== null);
  } catch {
    return false;
  }
}
