// What an image has to be: of pinned bases, built by the lock file, small, and not run by root.

import { checkImage, checkSettings } from "./setting-rules.ts";

export interface Instruction {
  /** In capitals. */
  readonly name: string;
  readonly text: string;
}

/** Instructions of a Dockerfile, with their continued lines joined. */
export function readDockerfile(text: string): readonly Instruction[] {
  const lines = text.split("\n").filter((line) => !/^\s*#/.test(line));
  const joined = lines.join("\n").replaceAll(/\\\n\s*/g, "");
  return joined
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, name = "", rest = ""] = /^\s*(\w+)\s*(.*)$/.exec(line) ?? [];
      return { name: name.toUpperCase(), text: rest.trim() };
    });
}

/** Findings; `exists` says whether the repository has a path. */
export function checkDockerfile(
  text: string,
  exists: (path: string) => boolean,
): readonly string[] {
  const instructions = readDockerfile(text);
  const starts = instructions.flatMap(({ name }, index) => (name === "FROM" ? [index] : []));
  const last = instructions.slice(starts.at(-1) ?? 0);
  return [
    ...instructions.flatMap((instruction) => checkInstruction(instruction)),
    ...checkSources(instructions, exists),
    ...checkLastStage(last),
  ];
}

function checkInstruction({ name, text }: Instruction): readonly string[] {
  switch (name) {
    case "FROM":
      return checkImage(text.split(/\s/)[0] ?? "");
    case "ADD":
      return ["ADD fetches and unpacks: use COPY"];
    case "RUN":
      return checkCommand(text);
    case "ENTRYPOINT":
    case "CMD":
      return text.startsWith("[") ? [] : [`${name} needs the form of a list, or signals are lost`];
    case "WORKDIR":
      return text.startsWith("/") ? [] : [`WORKDIR ${text} is not absolute`];
    case "ENV":
    case "ARG":
      return /(?:PASSWORD|SECRET|TOKEN|API_KEY)=\S/.test(text) ? ["a secret in the image"] : [];
    default:
      return [];
  }
}

function checkCommand(text: string): readonly string[] {
  const findings: string[] = [];
  if (/\bsudo\b/.test(text)) findings.push("sudo has no place in an image");
  if (/\bnpm (?:install|i)\b/.test(text)) findings.push("npm install ignores the lock file");
  if (/\bapt-get install\b/.test(text)) {
    if (!text.includes("--no-install-recommends"))
      findings.push("apt-get installs recommendations");
    if (!text.includes("/var/lib/apt/lists")) findings.push("apt's lists stay in the layer");
    if (!text.includes("apt-get update")) findings.push("apt-get install without update");
  }
  return findings;
}

/** What is copied exists, in the repository or in a stage before. */
function checkSources(
  instructions: readonly Instruction[],
  exists: (path: string) => boolean,
): readonly string[] {
  const stages = new Set<string>();
  const findings: string[] = [];
  for (const { name, text } of instructions) {
    const stage = name === "FROM" ? /\sAS\s+(\S+)$/i.exec(text)?.[1] : undefined;
    if (stage !== undefined) stages.add(stage);
    if (name !== "COPY") continue;
    const from = /--from=(\S+)/.exec(text)?.[1];
    if (from !== undefined && !stages.has(from))
      findings.push(`COPY from ${from}, which is no stage`);
    if (from !== undefined) continue;
    const paths = text.split(/\s+/).filter((word) => !word.startsWith("--"));
    for (const path of paths.slice(0, -1)) {
      if (!exists(path)) findings.push(`COPY ${path}, which does not exist`);
    }
  }
  return findings;
}

function checkLastStage(instructions: readonly Instruction[]): readonly string[] {
  const findings: string[] = [];
  const lastIndex = (wanted: string): number =>
    instructions.findLastIndex(({ name }) => name === wanted);
  const user = instructions[lastIndex("USER")]?.text ?? "";
  if (!/^[1-9]\d*(?::[1-9]\d*)?$/.test(user)) findings.push("USER is not a number other than 0");
  if (lastIndex("RUN") > lastIndex("USER")) findings.push("RUN after USER");
  for (const name of ["HEALTHCHECK", "ENTRYPOINT", "EXPOSE"]) {
    if (lastIndex(name) === -1) findings.push(`no ${name}`);
  }
  return [...findings, ...checkSettings(environmentOf(instructions))];
}

/** Variables that the instructions set. */
export function environmentOf(instructions: readonly Instruction[]): ReadonlyMap<string, string> {
  const texts = instructions.filter(({ name }) => name === "ENV").map(({ text }) => text);
  const pairs = texts.flatMap((text) => Array.from(text.matchAll(/(\w+)=("[^"]*"|\S*)/g)));
  return new Map(
    pairs.map(([, name = "", value = ""]) => [name, value.replaceAll('"', "")] as const),
  );
}
