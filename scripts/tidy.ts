// The house rules that no linter knows, checked over the whole tree. Each rule is a function from
// the files to its findings. `npm run tidy` prints them and fails when there is one.

import { fileURLToPath } from "node:url";

import { checkReasons, checkVersions } from "./tidy/manifest-rules.ts";
import { checkNativeSizes } from "./tidy/native-sizes.ts";
import { checkPackageArrows } from "./tidy/package-arrows.ts";
import { readSourceFiles } from "./tidy/source-file.ts";
import type { Rule } from "./tidy/source-file.ts";
import { checkSuites } from "./tidy/suite-rules.ts";
import { checkHeaders, checkWords } from "./tidy/text-rules.ts";

const rules: readonly Rule[] = [
  checkPackageArrows,
  checkHeaders,
  checkWords,
  checkNativeSizes,
  checkVersions,
  checkReasons,
  checkSuites,
];

const files = readSourceFiles(fileURLToPath(new URL("..", import.meta.url)));
const problems = rules.flatMap((rule) => rule(files));
for (const { path, line, message } of problems) {
  process.stderr.write(`${path}${line > 0 ? `:${line}` : ""}: ${message}\n`);
}
process.stderr.write(`tidy: ${files.length} files, ${problems.length} problems\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
