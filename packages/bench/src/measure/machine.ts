// What was measured on: the kind of machine, never its name.

import { arch, availableParallelism, cpus, platform, totalmem } from "node:os";
import { readProc } from "./process-cpu.ts";
import type { Figure } from "./report.ts";

const notedFlags = ["avx2", "avx512f", "avx512_vnni", "avx512_bf16", "f16c", "asimd", "asimddp"];

/** Facts for the record of a result. */
export function machineFacts(): Readonly<Record<string, Figure>> {
  const information = readProc("/proc/cpuinfo") ?? "";
  const flags = new Set(
    (/^(?:flags|Features)\s*:\s*(.*)$/m.exec(information)?.[1] ?? "").split(" "),
  );
  return {
    platform: platform(),
    architecture: arch(),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    virtual: flags.has("hypervisor"),
    vectorExtensions: notedFlags.filter((flag) => flags.has(flag)),
    node: process.versions.node,
  };
}
