// The HTTP application: OpenAI's endpoints over a GenerationService and a TextCodec.
export { createAdmin, type AdminServer } from "./admin/create-admin.ts";
export type { DebugCaptures } from "./admin/debug-routes.ts";
export { ApiKeys } from "./api-keys.ts";
export { createServer, type LociServer } from "./create-server.ts";
export type { EntropySource } from "./entropy.ts";
export { eraseRemoved } from "./responses/erase-turns.ts";
export { defaultServerLimits, type ServerLimits } from "./limits.ts";
export { listMetrics, type MetricDescription } from "./metric-list.ts";
export { openaiSampling, type SamplingDefaults, type ServerOptions } from "./server-options.ts";
export { loadStaticPage, type StaticPage } from "./page/static-page.ts";
