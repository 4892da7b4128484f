// What Kubernetes objects have to be: complete, bounded, not run by root, probed, with time to finish
// answers; and what one object names, another one is.

import { checkImage, checkSettings } from "./setting-rules.ts";
import { fieldsAt, isFields, listAt, textAt, textsAt, valueAt } from "./yaml-values.ts";
import type { Fields } from "./yaml-values.ts";

const workloadKinds: ReadonlySet<string> = new Set(["Deployment", "StatefulSet"]);

/** Findings over all objects that are installed together. */
export function checkManifests(objects: readonly Fields[]): readonly string[] {
  return objects.flatMap((object) => {
    const title = `${textAt(object, "kind")} ${textAt(object, "metadata", "name")}`;
    const findings = [
      ...checkIdentity(object),
      ...(isWorkload(object) ? checkWorkload(object, objects) : []),
      ...checkSelection(object, objects),
    ];
    return findings.map((finding) => `${title}: ${finding}`);
  });
}

function isWorkload(object: Fields): boolean {
  return workloadKinds.has(textAt(object, "kind"));
}

function checkIdentity(object: Fields): readonly string[] {
  const findings: string[] = [];
  if (textAt(object, "apiVersion") === "") findings.push("no apiVersion");
  if (textAt(object, "kind") === "") findings.push("no kind");
  const name = textAt(object, "metadata", "name");
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) findings.push("no proper name");
  for (const [key, value] of Object.entries(fieldsAt(object, "metadata", "labels"))) {
    if (typeof value !== "string") findings.push(`label ${key} is no text`);
  }
  return findings;
}

function checkWorkload(object: Fields, objects: readonly Fields[]): readonly string[] {
  const pod = fieldsAt(object, "spec", "template", "spec");
  const labels = fieldsAt(object, "spec", "template", "metadata", "labels");
  const findings: string[] = [];
  if (!matches(fieldsAt(object, "spec", "selector", "matchLabels"), labels)) {
    findings.push("does not select its own pods");
  }
  if (!(Number(pod["terminationGracePeriodSeconds"]) >= 180)) findings.push("ends within 180 s");
  if (pod["enableServiceLinks"] !== false) findings.push("gets variables named after services");
  const account = textAt(pod, "serviceAccountName");
  if (!has(objects, "ServiceAccount", account)) findings.push(`no service account ${account}`);
  const security = fieldsAt(pod, "securityContext");
  if (security["runAsNonRoot"] !== true || !(Number(security["runAsUser"]) > 0)) {
    findings.push("may run as root");
  }
  if (textAt(security, "seccompProfile", "type") !== "RuntimeDefault") findings.push("no seccomp");
  const containers = listAt(pod, "containers");
  if (containers.length === 0) findings.push("no containers");
  return [...findings, ...containers.flatMap((container) => checkContainer(container, object))];
}

function checkContainer(container: Fields, workload: Fields): readonly string[] {
  const findings = [...checkImage(textAt(container, "image"))];
  const security = fieldsAt(container, "securityContext");
  if (security["allowPrivilegeEscalation"] !== false) findings.push("may gain rights");
  if (security["readOnlyRootFilesystem"] !== true) findings.push("its files can be written");
  if (!textsAt(security, "capabilities", "drop").includes("ALL")) findings.push("has capabilities");
  for (const [kind, resource] of [
    ["requests", "cpu"],
    ["requests", "memory"],
    ["limits", "memory"],
  ] as const) {
    if (textAt(container, "resources", kind, resource) === "") {
      findings.push(`no ${kind} of ${resource}`);
    }
  }
  return [
    ...findings,
    ...checkProbes(container),
    ...checkMounts(container, workload),
    ...checkEnvironment(container),
  ];
}

function checkProbes(container: Fields): readonly string[] {
  const ports = new Set(listAt(container, "ports").map((port) => textAt(port, "name")));
  return ["startupProbe", "livenessProbe", "readinessProbe"].flatMap((probe) => {
    const request = fieldsAt(container, probe, "httpGet");
    const path = probe === "readinessProbe" ? "/ready" : "/live";
    if (textAt(request, "path") !== path) return [`${probe} does not ask for ${path}`];
    return ports.has(textAt(request, "port")) ? [] : [`${probe} asks at no port`];
  });
}

function checkMounts(container: Fields, workload: Fields): readonly string[] {
  const pod = fieldsAt(workload, "spec", "template", "spec");
  const claims = listAt(workload, "spec", "volumeClaimTemplates");
  const volumes = new Set([
    ...listAt(pod, "volumes").map((volume) => textAt(volume, "name")),
    ...claims.map((claim) => textAt(claim, "metadata", "name")),
  ]);
  const mounts = listAt(container, "volumeMounts").map((mount) => textAt(mount, "name"));
  const missing = mounts.filter((name) => !volumes.has(name));
  const unused = [...volumes].filter((name) => !mounts.includes(name));
  return [
    ...missing.map((name) => `mounts ${name}, which is no volume`),
    ...unused.map((name) => `volume ${name} is not mounted`),
  ];
}

function checkEnvironment(container: Fields): readonly string[] {
  const findings: string[] = [];
  const values = new Map<string, string>();
  for (const variable of listAt(container, "env")) {
    const name = textAt(variable, "name");
    const value = variable["value"];
    const hasSource = isFields(variable["valueFrom"]);
    if (values.has(name)) findings.push(`${name} is given twice`);
    if (!hasSource && typeof value !== "string") findings.push(`${name} is no text`);
    // Kubernetes puts in what was named before.
    const given = typeof value === "string" ? value : "given";
    const text = given.replaceAll(/\$\((\w+)\)/g, (_, inner: string) => {
      if (!values.has(inner)) findings.push(`${name} uses ${inner}, which is not known yet`);
      return "10.0.0.1";
    });
    values.set(name, text);
  }
  return [...findings, ...checkSettings(values)];
}

/** What an object selects or names exists. */
function checkSelection(object: Fields, objects: readonly Fields[]): readonly string[] {
  const pods = objects.filter(isWorkload).map((workload) => fieldsAt(workload, "spec", "template"));
  const selects = (selector: Fields): readonly Fields[] =>
    pods.filter((pod) => matches(selector, fieldsAt(pod, "metadata", "labels")));
  switch (textAt(object, "kind")) {
    case "Service": {
      const selected = selects(fieldsAt(object, "spec", "selector"));
      if (selected.length !== 1) return ["does not select one workload"];
      const containers = listAt(selected[0], "spec", "containers");
      const known = containers.flatMap((container) => listAt(container, "ports"));
      const ports = new Set(known.map((port) => textAt(port, "name")));
      const targets = listAt(object, "spec", "ports").map((port) => textAt(port, "targetPort"));
      return targets.filter((port) => !ports.has(port)).map((port) => `no port ${port}`);
    }
    case "PodDisruptionBudget":
      return selects(fieldsAt(object, "spec", "selector", "matchLabels")).length === 1
        ? []
        : ["does not select one workload"];
    case "NetworkPolicy":
      return selects(fieldsAt(object, "spec", "podSelector", "matchLabels")).length > 0
        ? []
        : ["protects nobody"];
    case "StatefulSet":
      return has(objects, "Service", textAt(object, "spec", "serviceName"))
        ? []
        : ["its service does not exist"];
    case "HorizontalPodAutoscaler": {
      const target = fieldsAt(object, "spec", "scaleTargetRef");
      const scaled = objects.find((each) =>
        isNamed(each, textAt(target, "kind"), textAt(target, "name")),
      );
      if (scaled === undefined) return ["scales nobody"];
      return valueAt(scaled, "spec", "replicas") === undefined
        ? []
        : ["works against a fixed number"];
    }
    case "RoleBinding":
      return has(objects, "Role", textAt(object, "roleRef", "name")) ? [] : ["binds no role"];
    default:
      return [];
  }
}

function has(objects: readonly Fields[], kind: string, name: string): boolean {
  return objects.some((object) => isNamed(object, kind, name));
}

function isNamed(object: Fields, kind: string, name: string): boolean {
  return textAt(object, "kind") === kind && textAt(object, "metadata", "name") === name;
}

/** Labels have all that the selector asks for; an empty selector is a mistake here. */
function matches(selector: Fields, labels: Fields): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}
