// What a compose file has to be: bounded, without open ports, without rights that nobody needs, and
// consistent in itself.

import { checkImage, checkSettings } from "./setting-rules.ts";
import { fieldsAt, textAt, textsAt, valueAt } from "./yaml-values.ts";
import type { Fields } from "./yaml-values.ts";

/** Findings, with the service's name in front. `compose` has its anchors and merges resolved. */
export function checkCompose(compose: Fields): readonly string[] {
  const services = Object.keys(fieldsAt(compose, "services"));
  return services.flatMap((name) =>
    checkService(compose, name).map((finding) => `${name}: ${finding}`),
  );
}

function checkService(compose: Fields, name: string): readonly string[] {
  const service = fieldsAt(compose, "services", name);
  return [
    ...checkBounds(service),
    ...checkRights(service),
    ...checkReferences(compose, service),
    ...checkSettings(environmentOf(service)),
  ];
}

function checkBounds(service: Fields): readonly string[] {
  const isBuilt = service["build"] !== undefined;
  const findings = isBuilt ? [] : [...checkImage(textAt(service, "image"))];
  for (const field of ["mem_limit", "cpus", "restart"]) {
    if (service[field] === undefined) findings.push(`no ${field}`);
  }
  // Our own image brings its check.
  if (!isBuilt && service["healthcheck"] === undefined) findings.push("no healthcheck");
  if (isBuilt && Number.parseInt(textAt(service, "stop_grace_period"), 10) < 180) {
    findings.push("answers get less than 180 s to finish");
  }
  return findings;
}

function checkRights(service: Fields): readonly string[] {
  const findings: string[] = [];
  if (service["privileged"] === true) findings.push("privileged");
  if (service["network_mode"] === "host") findings.push("in the host's network");
  const ports = textsAt(service, "ports").filter((port) => !port.startsWith("127.0.0.1:"));
  for (const port of ports) findings.push(`port ${port} is open to everybody`);
  const isOurs = service["build"] !== undefined;
  if (isOurs && service["read_only"] !== true) findings.push("its files can be written");
  if (isOurs && !textsAt(service, "cap_drop").includes("ALL")) findings.push("keeps capabilities");
  return findings;
}

/** Everything that a service names is declared. */
function checkReferences(compose: Fields, service: Fields): readonly string[] {
  const findings: string[] = [];
  const check = (kind: string, names: readonly string[]): void => {
    const declared = fieldsAt(compose, kind);
    for (const name of names) {
      if (!(name in declared)) findings.push(`${kind} ${name} is not declared`);
    }
  };
  const volumes = textsAt(service, "volumes").map((volume) => volume.split(":")[0] ?? "");
  check("networks", textsAt(service, "networks"));
  check("secrets", textsAt(service, "secrets"));
  check(
    "volumes",
    volumes.filter((volume) => !volume.startsWith(".")),
  );
  check("services", Object.keys(fieldsAt(service, "depends_on")));
  return findings;
}

/** As compose would pass it: what users have to give has some value, the rest its default. */
function environmentOf(service: Fields): ReadonlyMap<string, string> {
  const entries = Object.entries(fieldsAt(service, "environment"));
  return new Map(
    entries.map(([name, value]) => [
      name,
      String(value).replaceAll(/\$\{\w+(?::([-?])([^}]*))?\}/g, (_, kind: string, text: string) =>
        kind === "-" ? text : "given",
      ),
    ]),
  );
}

/** Addresses at which the services of a compose file announce themselves, by service. */
export function announcedUrls(compose: Fields): ReadonlyMap<string, string> {
  const services = Object.entries(fieldsAt(compose, "services"));
  const urls = services.map(
    ([name, service]) => [name, textAt(service, "environment", "LOCI_ADVERTISE_URL")] as const,
  );
  return new Map(urls.filter(([, url]) => url !== ""));
}

/** Where workers that announce themselves to a service may be. */
export function allowedNetworks(compose: Fields, service: string): readonly string[] {
  const value = valueAt(compose, "services", service, "environment", "LOCI_WORKER_NETWORK");
  return typeof value === "string" ? value.split(",") : [];
}
