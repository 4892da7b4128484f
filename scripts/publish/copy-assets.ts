// What is no code: the page, the kernel's sources, the small model, the command, licence and README.

import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** From the root; they keep their places. */
const files = ["models/loci-demo.gguf", "models/README.md", "LICENSE"];
const nativeFolder = "packages/ggml/native";
/** What is built, what checks, what no model uses yet, and what is compiled and lies there already. */
const notSources = /^(build|check|cuda)$|\.ts$/;
const pageFolder = "packages/web/dist";

export function copyAssets(root: string, output: string): void {
  for (const path of files) copy(root, output, path);
  cpSync(join(root, nativeFolder), join(output, nativeFolder), {
    recursive: true,
    filter: (path) => !notSources.test(basename(path)),
  });
  if (!existsSync(join(root, pageFolder))) {
    execFileSync(process.execPath, [join(root, "packages/web/build.ts")], { stdio: "inherit" });
  }
  copy(root, output, pageFolder);
  cpSync(join(root, "packages/loci/README.md"), join(output, "README.md"));
  const command = join(output, "bin", "loci.js");
  mkdirSync(dirname(command), { recursive: true });
  cpSync(join(root, "packages/loci/bin/loci.js"), command);
  chmodSync(command, 0o755);
}

function copy(root: string, output: string, path: string): void {
  mkdirSync(dirname(join(output, path)), { recursive: true });
  cpSync(join(root, path), join(output, path), { recursive: true });
}
