export * from "./assert.ts";
export * from "./clock.ts";
export * from "./config/index.ts";
export * from "./errors.ts";
export * from "./generation.ts";
export * from "./random.ts";
export * from "./text-codec.ts";
export * from "./units.ts";
