#!/usr/bin/env node
// The command of the published package. An older Node could not even read what it starts.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(`loci needs Node 24 or newer; this is ${process.versions.node}.\n`);
  process.exit(1);
}
await import("../packages/cli/src/main.js");
