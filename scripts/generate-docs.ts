// Rewrites the generated pages under docs/. Run it after changing a setting, a verb or a flag.

import { writeFileSync } from "node:fs";

import { manualPage } from "../packages/cli/src/manual/manual-page.ts";
import { configurationPage } from "./configuration-page.ts";

writeFileSync(new URL("../docs/configuration.md", import.meta.url), configurationPage());
writeFileSync(new URL("../docs/cli.md", import.meta.url), manualPage());
