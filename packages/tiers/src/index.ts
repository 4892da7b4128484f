export { blockKey, tenantKey } from "./block-key.ts";
export { openTiers, type OpenTiersOptions, type Tiers } from "./open-tiers.ts";
export type { DiskFsync, DiskTierOptions } from "./tier-options.ts";
export type { MissReason } from "./tier.ts";
