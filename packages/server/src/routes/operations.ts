// For those who run the server: health in the names that load balancers use, version, metrics and
// the description of the API.

import { LociError } from "@loci/core";
import { status, versionBody } from "../schemas/response-bodies.ts";
import { requireReady, type ServerContext } from "../server-context.ts";
import { documented, type Routes } from "./routes.ts";

const readinessPaths = ["/health", "/v1/health", "/ping", "/ready"];

export function operationRoutes(app: Routes, context: ServerContext): void {
  const ready = documented({
    summary: "200 when requests are served, 503 while loading or stopping",
    tag: "operations",
    response: status,
  });
  for (const path of readinessPaths) {
    app.get(path, { schema: ready, config: { open: true } }, () => {
      requireReady(context);
      return { status: "ok" };
    });
  }

  const live = documented({
    summary: "200 while the process works",
    tag: "operations",
    response: status,
  });
  app.get("/live", { schema: live, config: { open: true } }, () => ({ status: "ok" }));

  const version = documented({ summary: "Version", tag: "operations", response: versionBody });
  app.get("/version", { schema: version }, () => ({ version: context.version }));

  const metrics = documented({ summary: "Prometheus metrics", tag: "operations" });
  const metricsConfig = { open: !context.metricsNeedKey };
  app.get("/metrics", { schema: metrics, config: metricsConfig }, async (_request, reply) => {
    const { registry } = context.metrics;
    return reply.type(registry.contentType).send(await registry.metrics());
  });

  app.get("/openapi.json", { schema: { hide: true } }, () => {
    if (app.swagger === undefined) throw new LociError("unavailable", "Not described yet.");
    return app.swagger();
  });
}
