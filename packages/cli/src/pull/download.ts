// Downloads one file so that any interruption costs only the bytes in flight: ranges continue
// where the part file ends, as long as the server still has the same file. The checksum of what
// is on disk decides, whatever the transfers did.

import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { LociError } from "@loci/core";
import type { HttpClient, HttpResponse } from "./http-client.ts";
import { PartFile } from "./part-file.ts";
import { throwForStatus, withRetries, type RetryContext } from "./retry.ts";
import { TransientError } from "./transient-error.ts";
import type { Checksum } from "./choose-file.ts";

/** Left free for others on the disk. */
const diskBytesSpare = 64 * 1024 * 1024;

export interface DownloadJob {
  readonly url: string;
  /** What messages call it. */
  readonly label: string;
  readonly partPath: string;
  readonly bytes: number;
  readonly checksum: Checksum;
  readonly token: string | null;
}

export interface DownloadContext extends RetryContext {
  readonly client: HttpClient;
  /** Bytes on disk; steps back when the transfer starts anew. */
  onProgress(bytes: number): void;
  /** Bytes whose checksum is computed. */
  onVerify(bytes: number): void;
  /** Bytes free where `folder` lies. */
  freeBytes(folder: string): Promise<number>;
}

/** Bytes that a user may still write on the disk of `folder`. */
export async function diskFreeBytes(folder: string): Promise<number> {
  const facts = await statfs(folder);
  return facts.bavail * facts.bsize;
}

/**
 * Leaves the whole, verified file at `job.partPath`. Throws LociError; after `download_failed` and
 * `cancelled` what was received stays for the next run, unless its checksum was wrong.
 */
export async function download(job: DownloadJob, context: DownloadContext): Promise<void> {
  const part = await PartFile.open(job.partPath, job.bytes, job.checksum);
  const isContinued = part.length > 0;
  try {
    await fetchRest(job, part, context);
    if (await part.verify((bytes) => context.onVerify(bytes))) return await part.finish();
    part.restart();
    // Bytes of an earlier run may be to blame: once more, all from one transfer.
    if (isContinued) {
      await fetchRest(job, part, context);
      if (await part.verify((bytes) => context.onVerify(bytes))) return await part.finish();
    }
  } catch (error) {
    await part.close();
    throw diskError(error);
  }
  await part.close();
  await PartFile.remove(job.partPath);
  throw new LociError("download_failed", `${job.label} arrived with a wrong checksum.`, {
    remedy: "Run the command again; if it stays wrong, the file on the hub is damaged.",
  });
}

async function fetchRest(
  job: DownloadJob,
  part: PartFile,
  context: DownloadContext,
): Promise<void> {
  await requireSpace(job, part, context);
  context.onProgress(part.length);
  if (part.length === part.bytes) return;
  // Restarts shrink the part; progress counts the bytes that arrived.
  const received = { bytes: 0 };
  await withRetries(
    context,
    () => received.bytes,
    async () => {
      const response = await requestRest(job, part, context);
      await receive(response, part, (bytes) => {
        received.bytes += bytes;
        context.onProgress(part.length);
      });
      if (part.length < part.bytes) {
        throw new TransientError(
          `the connection ended after ${part.length} of ${part.bytes} bytes`,
        );
      }
    },
  );
}

/**
 * A response whose body continues the part, which is emptied where it has to be. Nothing here
 * waits once the answer is there: what a connection delivered before it broke is lost when the
 * body is not read at once.
 */
async function requestRest(
  job: DownloadJob,
  part: PartFile,
  context: DownloadContext,
): Promise<HttpResponse> {
  const offset = part.length;
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (offset > 0) {
    headers["range"] = `bytes=${offset}-`;
    if (part.etag !== null) headers["if-range"] = part.etag;
  }
  const request = { headers, token: job.token, signal: context.signal };
  const response = await context.client.get(job.url, request);
  if (response.status === 416 && offset > 0) {
    response.discard();
    part.restart();
    throw new TransientError("the server no longer has this part of the file");
  }
  throwForStatus(response, job.label);
  const etag = strongEtag(response);
  if (response.status === 206 && offset > 0) {
    requireContinuation(response, part, etag);
  } else {
    requireWhole(response, part, job.label);
    // A full answer: no ranges here, or another file than before.
    if (offset > 0) part.restart();
  }
  if (etag !== part.etag) part.remember(etag);
  return response;
}

function requireContinuation(response: HttpResponse, part: PartFile, etag: string | null): void {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.header("content-range") ?? "");
  const starts = Number(range?.[1]) === part.length;
  const sized = range?.[3] === "*" || Number(range?.[3]) === part.bytes;
  const same = part.etag === null || etag === null || etag === part.etag;
  if (starts && sized && same) return;
  response.discard();
  part.restart();
  throw new TransientError("the server now offers another file; starting anew");
}

function requireWhole(response: HttpResponse, part: PartFile, label: string): void {
  const length = response.header("content-length");
  if (response.status === 200 && (length === null || Number(length) === part.bytes)) return;
  response.discard();
  throw new LociError(
    "download_failed",
    `The hub lists ${label} with ${part.bytes} bytes, but its server offers ${length ?? "a part"}.`,
    { remedy: "Run the command again later." },
  );
}

async function receive(
  response: HttpResponse,
  part: PartFile,
  onBytes: (bytes: number) => void,
): Promise<void> {
  await response.read((chunk) => {
    if (part.length + chunk.byteLength > part.bytes) {
      throw new LociError("download_failed", "The server sends more bytes than the file has.");
    }
    part.append(chunk);
    onBytes(chunk.byteLength);
  });
}

function strongEtag(response: HttpResponse): string | null {
  const etag = response.header("etag");
  return etag !== null && /^"[\x21\x23-\x7e]{1,200}"$/.test(etag) ? etag : null;
}

async function requireSpace(
  job: DownloadJob,
  part: PartFile,
  context: DownloadContext,
): Promise<void> {
  const needed = part.bytes - part.length;
  const free = await context.freeBytes(dirname(job.partPath));
  if (needed === 0 || free >= needed + diskBytesSpare) return;
  throw new LociError(
    "download_failed",
    `${job.label} needs ${needed} more bytes, but only ${free} are free on its disk.`,
    { remedy: "Make room, or choose another folder with --models-dir." },
  );
}

function diskError(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "ENOSPC") return error;
  return new LociError("download_failed", "The disk is full.", {
    remedy: "Make room and run the command again; it goes on where it stopped.",
    cause: error,
  });
}
