// A server's cache in tokens, as flags in bytes.

export interface CacheSetting {
  readonly bytesPerToken: number;
  readonly poolTokens: number;
  /** 0 = none. */
  readonly hostTokens: number;
  readonly diskPath: string | null;
  readonly eviction?: "retention" | "pensieve" | "lru";
  /** False: every prompt is computed from its first token. */
  readonly prefixCaching?: boolean;
}

/** Flags of `loci serve`. */
export function cacheArgs(setting: CacheSetting): readonly string[] {
  const { bytesPerToken, poolTokens, hostTokens, diskPath } = setting;
  const { eviction = "retention", prefixCaching = true } = setting;
  const args = ["--kv-memory", String(poolTokens * bytesPerToken), "--eviction", eviction];
  if (hostTokens > 0) args.push("--kv-host-memory", String(hostTokens * bytesPerToken));
  if (diskPath !== null) args.push("--kv-disk-path", diskPath);
  if (!prefixCaching) args.push("--no-enable-prefix-caching");
  return args;
}
