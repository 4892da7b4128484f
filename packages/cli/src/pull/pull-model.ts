// Brings a model of the hub onto this machine: find the file, take its lock, download, check,
// and only then give it its name. Any step may fail or be stopped without leaving a model that
// looks whole and is not.

import { rename } from "node:fs/promises";
import { MessageChannel } from "node:worker_threads";
import { LociError } from "@loci/core";
import { checkNotSplit, readGguf } from "@loci/ggml";
import { chooseFile, type HubFile } from "./choose-file.ts";
import { download, type DownloadContext } from "./download.ts";
import { FileLock } from "./file-lock.ts";
import { createHttpClient } from "./http-client.ts";
import { fileUrl, listHubFiles, type Hub } from "./hub.ts";
import { formatHubReference, type HubReference } from "./model-reference.ts";
import { ModelStore, type ModelPaths, type StoredModel } from "./model-store.ts";
import { PartFile } from "./part-file.ts";
import { ProgressView } from "../terminal/progress-view.ts";
import { formatSeconds } from "../terminal/units.ts";
import type { PullOptions } from "./pull-options.ts";

/** Pulls what `reference` means unless it is here. Throws LociError. */
export async function pullModel(
  reference: HubReference,
  options: PullOptions,
): Promise<StoredModel> {
  const store = new ModelStore(options.modelsFolder);
  const present = await store.findReference(reference);
  if (present !== null) return present;
  if (options.offline) {
    throw new LociError("model_not_found", `${formatHubReference(reference)} is not pulled yet.`, {
      remedy: "Unset HF_HUB_OFFLINE to fetch it.",
    });
  }
  const client = createHttpClient();
  const release = keepAlive();
  try {
    const hub = { client, url: options.hubUrl, token: options.token };
    return await pullFrom(hub, reference, { store, options });
  } finally {
    release();
    await client.close();
  }
}

interface PullPlace {
  readonly store: ModelStore;
  readonly options: PullOptions;
}

async function pullFrom(hub: Hub, reference: HubReference, place: PullPlace): Promise<StoredModel> {
  const { store, options } = place;
  const { clock, seed, signal, retries: policy, terminal } = options;
  const onRetry = (reason: string, delayMs: number): void => {
    terminal.write(`${retryText(reason, delayMs)}\n`);
  };
  const files = await listHubFiles(hub, reference, { clock, seed, signal, policy, onRetry });
  const file = chooseFile(reference, files);
  await store.prepare();
  const paths = store.pathsOf({ ...reference, file: file.path });
  const onWait = (): void => {
    terminal.write(`Waiting for another process that pulls ${file.path}\n`);
  };
  const lock = await FileLock.acquire(paths.lock, options.uniqueName(), { clock, signal, onWait });
  try {
    // The other process may have pulled it meanwhile.
    const named = { ...reference, file: file.path };
    const present = await store.findReference(named);
    if (present === null) await fetchFile(hub, { reference, file, paths, lock }, options);
    const isDefault = reference.quantisation === null && reference.file === null;
    return await store.add({
      version: 1,
      repo: reference.repo,
      revision: reference.revision,
      file: file.path,
      bytes: file.bytes,
      checksum: file.checksum,
      pulledUnixSeconds: present?.pulledUnixSeconds ?? clock.unixSeconds(),
      isDefault: isDefault || present?.isDefault === true,
    });
  } finally {
    await lock.release();
  }
}

interface Fetch {
  readonly reference: HubReference;
  readonly file: HubFile;
  readonly paths: ModelPaths;
  readonly lock: FileLock;
}

async function fetchFile(hub: Hub, fetch: Fetch, options: PullOptions): Promise<void> {
  const { reference, file, paths, lock } = fetch;
  const { clock, seed, signal, retries: policy, terminal } = options;
  const label = file.path.slice(file.path.lastIndexOf("/") + 1);
  const view = new ProgressView(terminal, clock, { label, bytes: file.bytes });
  const context: DownloadContext = {
    client: hub.client,
    clock,
    seed,
    policy,
    signal,
    freeBytes: (folder) => options.freeBytes(folder),
    onProgress: (bytes) => {
      view.received(bytes);
      lock.touch();
    },
    onVerify: (bytes) => {
      view.verified(bytes);
      lock.touch();
    },
    onRetry: (reason, delayMs) => {
      view.note(retryText(reason, delayMs));
      lock.touch();
    },
  };
  const job = { url: fileUrl(hub, reference, file.path), label, partPath: paths.part };
  try {
    const { bytes, checksum } = file;
    await download({ ...job, bytes, checksum, token: hub.token }, context);
  } finally {
    view.end();
  }
  try {
    checkNotSplit(readGguf(paths.part));
  } catch (error) {
    await PartFile.remove(paths.part);
    throw error;
  }
  await giveName(paths);
}

async function giveName(paths: ModelPaths): Promise<void> {
  try {
    await rename(paths.part, paths.model);
  } catch (error) {
    throw new LociError("download_failed", "Another process took this download over.", {
      remedy: "Run the command again.",
      cause: error,
    });
  }
}

function retryText(reason: string, delayMs: number): string {
  return `${reason}; trying again in ${formatSeconds(delayMs / 1000)}`;
}

/** The clock's timers let a process end; a pause between two attempts must not. */
function keepAlive(): () => void {
  const { port1, port2 } = new MessageChannel();
  port1.ref();
  return () => {
    port1.close();
    port2.close();
  };
}
