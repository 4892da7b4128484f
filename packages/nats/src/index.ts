// Public names of the package: workers and routers that find and hear each other over NATS.

export type { MemberRecord } from "./wire/report-codec.ts";
