// Public names of the package: where requests go.

export * from "./directory/block-directory.ts";
export * from "./directory/prefix-matches.ts";
export * from "./events/event-order.ts";
export * from "./events/kv-event-log.ts";
export * from "./looking/router-counts.ts";
export * from "./looking/worker-status.ts";
export * from "./placement.ts";
export * from "./router-events.ts";
export * from "./router-options.ts";
export * from "./router.ts";
export * from "./worker-facts.ts";
