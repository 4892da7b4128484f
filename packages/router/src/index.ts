// Public names of the package: where requests go.

export * from "./placement.ts";
export * from "./router-events.ts";
export * from "./worker-facts.ts";
