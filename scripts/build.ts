// Builds the package that is published, into dist/loci: compiled JavaScript with declarations, the
// page, the kernel's sources, the small model. docs/decisions/publishing.md says why it looks so.
//
//   node scripts/build.ts [FOLDER]
//
// FOLDER lies within the repository; dist/loci when none is given.

import { execFileSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";

import { copyAssets } from "./publish/copy-assets.ts";
import { emit } from "./publish/emit.ts";
import { publishedManifest, writeManifest } from "./publish/manifest.ts";
import { pruneDeclarations } from "./publish/prune-declarations.ts";
import { rewriteFiles } from "./publish/rewrite-files.ts";
import { readWorkspace } from "./publish/workspace.ts";

const root = join(import.meta.dirname, "..");
const output = join(root, process.argv[2] ?? join("dist", "loci"));

const workspace = readWorkspace(root);
rmSync(output, { recursive: true, force: true });
emit(root, output, workspace.sources);
const outside = rewriteFiles(output, workspace);
pruneDeclarations(output, "packages/loci/src/index.d.ts");
writeManifest(output, publishedManifest(workspace, outside));
copyAssets(root, output);
// The library for this machine's kind, so that most have no need of a compiler.
const kernel = join(output, "packages", "ggml", "native", "build.js");
execFileSync(process.execPath, [kernel], { stdio: "inherit" });
removeObjects(join(kernel, ".."));
process.stderr.write(`built ${relative(root, output)} with ${outside.size} dependencies\n`);

/** What the compiler left on the way. */
function removeObjects(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (name.endsWith(".o")) rmSync(join(folder, name));
  }
}
