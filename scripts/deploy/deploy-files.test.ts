import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

import { AddressPolicy } from "@loci/cluster";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";

import { allowedNetworks, announcedUrls, checkCompose } from "./compose-rules.ts";
import { checkDockerfile } from "./dockerfile-rules.ts";
import { checkManifests } from "./manifest-rules.ts";
import { parseTemplate } from "./parse-template.ts";
import { renderChart } from "./render-chart.ts";
import { isFields, textsAt } from "./yaml-values.ts";
import type { Fields } from "./yaml-values.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const chartFolder = join(root, "deploy", "helm", "loci");
const read = (...path: readonly string[]): string => readFileSync(join(root, ...path), "utf8");

const everything = {
  discovery: "nats",
  nats: { existingSecret: "nats-address" },
  clusterKey: { existingSecret: "cluster" },
  apiKeys: { existingSecret: "keys" },
  store: { existingSecret: "database" },
  model: { name: "hf:user/repo:q8_0", existingClaim: "models" },
  imagePullSecrets: [{ name: "pull" }],
  image: { tag: "1.2.3" },
  router: {
    environment: { LOCI_ROUTING_POLICY: "e2" },
    nodeSelector: { disk: "fast" },
    tolerations: [{ key: "only-models", operator: "Exists" }],
    affinity: { nodeAffinity: {} },
  },
  worker: {
    environment: { LOCI_MAX_NUM_SEQS: 32 },
    kvMemory: "4GiB",
    disk: { enabled: true, storageClassName: "fast" },
    autoscaling: { enabled: true },
  },
  metrics: { serviceMonitor: { enabled: true, labels: { release: "prometheus" } } },
  networkPolicy: { apiFrom: [{ namespaceSelector: { matchLabels: { team: "apps" } } }] },
};

const valueSets: readonly (readonly [string, Fields])[] = [
  ["as it comes", {}],
  ["with NATS", { discovery: "nats", nats: { url: "nats://nats:4222" } }],
  ["without policies", { networkPolicy: { enabled: false } }],
  ["with everything", everything],
];

function objectsOf(values: Fields): readonly Fields[] {
  const files = [...renderChart(chartFolder, values)].filter(([name]) => name.endsWith(".yaml"));
  return files.flatMap(([, text]) =>
    parseAllDocuments(text, { version: "1.1" }).flatMap((document) => {
      if (document.errors.length > 0) throw new Error(String(document.errors[0]));
      const value: unknown = document.toJS();
      return isFields(value) ? [value] : [];
    }),
  );
}

const kinds = (values: Fields): string[] => objectsOf(values).map(({ kind }) => String(kind));
const exists = (path: string): boolean => existsSync(join(root, path));

describe("the chart", () => {
  test.each(valueSets)("%s, has no findings", (_, values) => {
    expect(checkManifests(objectsOf(values))).toEqual([]);
  });

  test("has what a cluster needs", () => {
    expect(kinds({}).toSorted((a, b) => a.localeCompare(b))).toEqual([
      "Deployment",
      "NetworkPolicy",
      "NetworkPolicy",
      "PodDisruptionBudget",
      "PodDisruptionBudget",
      "Role",
      "RoleBinding",
      "Secret",
      "Service",
      "Service",
      "ServiceAccount",
      "ServiceAccount",
      "StatefulSet",
    ]);
    expect(kinds(everything)).toContain("HorizontalPodAutoscaler");
    expect(kinds(everything)).not.toContain("Secret");
    expect(kinds(everything)).not.toContain("Role");
  });

  test("has the routers scraped where that is wanted, and only them", () => {
    expect(kinds({})).not.toContain("ServiceMonitor");
    const objects = objectsOf(everything);
    const monitor = objects.find(({ kind }) => kind === "ServiceMonitor");
    expect(monitor).toMatchObject({ metadata: { labels: { release: "prometheus" } } });
    const selected = { selector: { matchLabels: { "app.kubernetes.io/component": "router" } } };
    expect(monitor).toMatchObject({ spec: selected });
    const labels = { "app.kubernetes.io/component": "router" };
    const services = objects.filter(({ kind }) => kind === "Service");
    expect(services.map((service) => service["metadata"])).toEqual([
      expect.objectContaining({ labels: expect.objectContaining(labels) }),
      expect.not.objectContaining({ labels: expect.objectContaining(labels) }),
    ]);
  });

  test("refuses NATS without an address", () => {
    expect(() => objectsOf({ discovery: "nats" })).toThrow(/needs nats.url/);
  });

  test("lets workers announce themselves from the pods' network", () => {
    const values: unknown = parse(read("deploy", "helm", "loci", "values.yaml"));
    const policy = new AddressPolicy(textsAt(values, "workerNetworks"));
    expect(policy.check("http://10.244.1.7:9931").host).toBe("10.244.1.7");
    expect(() => policy.check("http://192.168.1.7:9931")).toThrow(/not allowed/);
  });

  test("takes settings that loci has, and no others", () => {
    const values = { worker: { environment: { LOCI_NO_SUCH_THING: "1" } } };
    expect(checkManifests(objectsOf(values)).join()).toContain("LOCI_NO_SUCH_THING");
  });

  test("has a schema that is JSON, and values that have what it requires", () => {
    const schema: unknown = JSON.parse(read("deploy", "helm", "loci", "values.schema.json"));
    const values: unknown = parse(read("deploy", "helm", "loci", "values.yaml"));
    const required =
      isFields(schema) && Array.isArray(schema["required"]) ? schema["required"] : [];
    expect(required.length).toBeGreaterThan(0);
    expect(isFields(values) ? Object.keys(values) : []).toEqual(expect.arrayContaining(required));
  });

  const helm = (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "helm"))
    .find((path) => existsSync(path));
  test.skipIf(helm === undefined)("is what Helm itself takes, where it is installed", () => {
    expect(
      execFileSync(helm ?? "", ["lint", "--strict", chartFolder], { encoding: "utf8" }),
    ).toContain("0 chart(s) failed");
  });
});

describe("rules for manifests", () => {
  test("find what is wrong", () => {
    const broken = objectsOf({}).map((object) => structuredClone(object));
    const text = JSON.stringify(broken)
      .replaceAll('"runAsNonRoot":true', '"runAsNonRoot":false')
      .replaceAll('"loci:0.1.0"', '"loci:latest"')
      .replaceAll('"terminationGracePeriodSeconds":190', '"terminationGracePeriodSeconds":30')
      .replaceAll('"path":"/ready"', '"path":"/"')
      .replaceAll('"mountPath":"/data","name":"data"', '"mountPath":"/data","name":"date"')
      .replaceAll('"name":"data","mountPath":"/data"', '"name":"date","mountPath":"/data"')
      .replaceAll('"serviceName":"demo-worker"', '"serviceName":"demo"')
      .replaceAll('"drop":["ALL"]', '"drop":[]');
    const objects: unknown = JSON.parse(text);
    const findings = checkManifests(Array.isArray(objects) ? objects.filter(isFields) : []).join(
      "\n",
    );
    for (const finding of [
      "may run as root",
      "loci:latest has no version",
      "ends within 180 s",
      "readinessProbe does not ask for /ready",
      "mounts date, which is no volume",
      "volume data is not mounted",
      "has capabilities",
    ]) {
      expect(findings).toContain(finding);
    }
    expect(checkManifests([]).length).toBe(0);
  });
});

describe("the compose file", () => {
  const compose: unknown = parse(read("deploy", "compose", "compose.yaml"), { merge: true });
  const fields = isFields(compose) ? compose : {};

  test("has no findings", () => {
    expect(checkCompose(fields)).toEqual([]);
  });

  test("lets exactly those workers announce themselves that it starts", () => {
    const announced = announcedUrls(fields);
    expect([...announced.keys()]).toEqual(["worker-1", "worker-2"]);
    const policy = new AddressPolicy(allowedNetworks(fields, "router"));
    for (const url of announced.values()) expect(policy.check(url).url).toBe(url);
    for (const host of ["nats", "postgres", "127.0.0.1", "169.254.169.254"]) {
      expect(() => policy.check(`http://${host}:9931`)).toThrow(/not allowed/);
    }
  });

  test("is checked by rules that find what is wrong", () => {
    const service = {
      image: "nats",
      ports: ["4222:4222"],
      networks: ["nowhere"],
      environment: { LOCI_PROT: "1" },
    };
    const findings = checkCompose({ services: { nats: service }, networks: {} }).join("\n");
    for (const finding of [
      "image nats has no version",
      "no mem_limit",
      "no healthcheck",
      "port 4222:4222 is open to everybody",
      "networks nowhere is not declared",
      "LOCI_PROT",
    ]) {
      expect(findings).toContain(finding);
    }
  });
});

describe("the Dockerfile", () => {
  test("has no findings", () => {
    expect(checkDockerfile(read("deploy", "Dockerfile"), exists)).toEqual([]);
  });

  test("copies nothing that is kept out of the build", () => {
    const kept = read("deploy", "Dockerfile.dockerignore").split("\n");
    const copied = [...read("deploy", "Dockerfile").matchAll(/^COPY (?!--from)(.*) \S+$/gm)];
    const paths = copied.flatMap(([, text = ""]) => text.split(" "));
    expect(paths.length).toBeGreaterThan(3);
    for (const path of paths) expect(kept).toContain(`!${path}`);
  });

  test("is checked by rules that find what is wrong", () => {
    const bad = [
      "FROM node:latest",
      "ENV LOCI_PORT=http NPM_TOKEN=abc",
      "ADD http://example.com/x.tar /",
      "COPY nothing ./",
      "COPY --from=other /a /b",
      "RUN apt-get install g++ && npm install",
      "CMD node main.js",
    ].join("\n");
    const findings = checkDockerfile(bad, () => false).join("\n");
    for (const finding of [
      "node:latest has no version",
      "a secret in the image",
      "use COPY",
      "COPY nothing, which does not exist",
      "COPY from other, which is no stage",
      "npm install ignores the lock file",
      "apt's lists stay",
      "signals are lost",
      "USER is not a number other than 0",
      "no HEALTHCHECK",
      "LOCI_PORT",
    ]) {
      expect(findings).toContain(finding);
    }
  });
});

describe("templates", () => {
  test.each([
    ["{{ if .a }}", "has no end"],
    ["{{ end }}", "belongs to nothing"],
    ['{{ "a }}', "cannot read"],
    ["{{ (.a }}", "not closed"],
    ["{{ .a | .b }}", "behind a bar"],
  ])("%s is refused", (text, message) => {
    expect(() => parseTemplate(text)).toThrow(message);
  });
});
