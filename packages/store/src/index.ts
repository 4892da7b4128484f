export type * from "./json.ts";
export * from "./limits.ts";
export * from "./open-store.ts";
export type * from "./records.ts";
export type * from "./store.ts";
