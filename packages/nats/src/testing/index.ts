// For tests of other packages that need a NATS server.

export { NatsServer } from "./nats-server.ts";
export { TestRouter } from "./test-router.ts";
