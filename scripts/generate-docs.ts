// Rewrites the generated pages under docs/ and the dashboard. Run it after changing a setting, a verb, a
// flag, a metric or a panel.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

import { manualPage } from "../packages/cli/src/manual/manual-page.ts";
import { configurationPage } from "./configuration-page.ts";
import { dashboardJson } from "./grafana/dashboard-json.ts";
import { withMetrics } from "./operations-metrics.ts";

writeFileSync(new URL("../docs/configuration.md", import.meta.url), configurationPage());
writeFileSync(new URL("../docs/cli.md", import.meta.url), manualPage());
const operations = new URL("../docs/operations.md", import.meta.url);
writeFileSync(operations, await withMetrics(readFileSync(operations, "utf8")));
mkdirSync(new URL("../deploy/grafana/", import.meta.url), { recursive: true });
writeFileSync(new URL("../deploy/grafana/loci.json", import.meta.url), dashboardJson());
