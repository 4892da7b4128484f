// What a pull needs of the world, resolved once from settings and environment.

import { randomBytes, randomUUID } from "node:crypto";
import { LociError, systemClock, type Clock } from "@loci/core";
import { diskFreeBytes } from "./download.ts";
import { modelsFolder } from "./models-folder.ts";
import type { ProgressTerminal } from "../terminal/progress-view.ts";
import { retryPolicyDefault, type RetryPolicy } from "./retry.ts";

export interface PullOptions {
  readonly modelsFolder: string;
  /** `https://huggingface.co`, or what HF_ENDPOINT names. */
  readonly hubUrl: string;
  readonly token: string | null;
  /** True: the network is not touched. */
  readonly offline: boolean;
  readonly clock: Clock;
  /** For the jitter between attempts. */
  readonly seed: number;
  /** Never the same text twice, on any machine that shares the folder. */
  uniqueName(): string;
  readonly retries: RetryPolicy;
  readonly signal: AbortSignal;
  readonly terminal: ProgressTerminal;
  freeBytes(folder: string): Promise<number>;
}

export interface PullSettings {
  /** Null = the default folder. */
  readonly modelsDir?: string | null;
  /** Null = HF_TOKEN. */
  readonly hfToken?: string | null;
  readonly signal?: AbortSignal;
}

const hubUrlDefault = "https://huggingface.co";

/** Options of this machine. Throws LociError `config_invalid` for an unusable environment. */
export function pullOptions(
  settings: PullSettings,
  environment: NodeJS.ProcessEnv,
  terminal: ProgressTerminal,
): PullOptions {
  return {
    modelsFolder: modelsFolder(settings.modelsDir ?? null, environment),
    hubUrl: hubUrlOf(environment["HF_ENDPOINT"] ?? ""),
    token: tokenOf(settings.hfToken ?? environment["HF_TOKEN"] ?? ""),
    offline: isSet(environment["HF_HUB_OFFLINE"] ?? ""),
    clock: systemClock,
    seed: randomBytes(4).readUInt32LE(),
    uniqueName: () => randomUUID(),
    retries: retryPolicyDefault,
    signal: settings.signal ?? new AbortController().signal,
    terminal,
    freeBytes: diskFreeBytes,
  };
}

function hubUrlOf(text: string): string {
  if (text === "") return hubUrlDefault;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "") {
    throw new LociError("config_invalid", "HF_ENDPOINT is not an http or https address.");
  }
  return url.href.replace(/\/+$/, "");
}

function tokenOf(text: string): string | null {
  const token = text.trim();
  if (token === "") return null;
  if (/^[!-~]{1,512}$/.test(token)) return token;
  throw new LociError("config_invalid", "The Hugging Face token holds characters no token has.");
}

function isSet(text: string): boolean {
  return ["1", "true", "yes", "on"].includes(text.toLowerCase());
}
