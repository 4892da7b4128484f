// How a model is named on the command line: a file, a file on the Hugging Face hub, or the name of
// a model pulled earlier. Parsing only; nothing here touches the disk or the network.
//
//   hf:user/repo[@revision][:quantisation]     hf:user/repo[@revision]/folder/file.gguf
//   user/repo[...]  as above                   ./model.gguf, /a/model.gguf, ~/model.gguf

import { LociError } from "@loci/core";

export interface HubReference {
  readonly kind: "hub";
  /** `user/repo`. */
  readonly repo: string;
  readonly revision: string;
  /** Lower case, e.g. `q8_0`; null when a file is named, or nothing is. */
  readonly quantisation: string | null;
  /** Path inside the repository; null when a quantisation is named, or nothing is. */
  readonly file: string | null;
}

export interface PathReference {
  readonly kind: "path";
  readonly path: string;
}

export interface NameReference {
  readonly kind: "name";
  readonly name: string;
}

export type ModelReference = HubReference | PathReference | NameReference;

const referenceCharactersMax = 1024;
const hubPrefix = "hf:";
const revisionDefault = "main";

/** Throws LociError `config_invalid` for what can be none of the three. */
export function parseModelReference(text: string): ModelReference {
  if (text === "" || text.length > referenceCharactersMax || /\p{Cc}/u.test(text)) {
    throw invalid(text, "is empty, too long or holds control characters");
  }
  if (text.startsWith(hubPrefix)) return parseHub(text.slice(hubPrefix.length), text);
  if (looksLikePath(text)) return { kind: "path", path: text };
  if (/^[^/]+\/[^/]/.test(text)) return parseHub(text, text);
  return { kind: "name", name: text };
}

/** The one spelling of a hub reference, e.g. `user/repo:q8_0`. */
export function formatHubReference(reference: HubReference): string {
  const { repo, revision, quantisation, file } = reference;
  const at = revision === revisionDefault ? "" : `@${revision}`;
  if (file !== null) return `${repo}${at}/${file}`;
  return quantisation === null ? `${repo}${at}` : `${repo}${at}:${quantisation}`;
}

/** Whether a path inside a repository is harmless to show, to ask for and to compare. */
export function isHubPath(path: string): boolean {
  const segments = path.split("/");
  return path.length <= 512 && segments.every((segment) => segmentPattern.test(segment));
}

const segmentPattern = /^(?!\.+$)[\w.+()\-[\] ]{1,255}$/;
const namePattern = /^(?!.*\.\.)[A-Za-z0-9][\w.-]{0,95}$/;
const revisionPattern = /^(?!.*\.\.)[A-Za-z0-9][\w.-]{0,127}$/;
const quantisationPattern = /^[A-Za-z0-9][\w.-]{0,63}$/;

function looksLikePath(text: string): boolean {
  const isRelative = /^(?:\.{1,2}|~)?[/\\]/.test(text);
  const isOneFile = /^[^/]+\.gguf$/i.test(text);
  return isRelative || isOneFile || text.includes("\\");
}

const hubPattern =
  /^(?<user>[^/]+)\/(?<repo>[^/@:]+)(?:@(?<revision>[^/:]+))?(?::(?<tag>.+)|\/(?<file>.+))?$/;

function parseHub(text: string, whole: string): HubReference {
  const { user = "", repo = "", revision, tag, file } = hubPattern.exec(text)?.groups ?? {};
  const problem =
    nameProblem(user, repo) ??
    mismatch(revision, revisionPattern, "has a revision the hub does not allow") ??
    mismatch(tag, quantisationPattern, "has something else than a quantisation after the colon");
  if (problem !== null) throw invalid(whole, problem);
  if (file !== undefined && (!isHubPath(file) || !/\.gguf$/i.test(file))) {
    throw invalid(whole, "names a file that is no .gguf file of a repository");
  }
  return {
    kind: "hub",
    repo: `${user}/${repo}`,
    revision: revision ?? revisionDefault,
    quantisation: tag?.toLowerCase() ?? null,
    file: file ?? null,
  };
}

function nameProblem(user: string, repo: string): string | null {
  if (user === "" || repo === "") return "is not of the form user/repo";
  const isAllowed = namePattern.test(user) && namePattern.test(repo);
  return isAllowed ? null : "has a user or repository name the hub does not allow";
}

function mismatch(text: string | undefined, pattern: RegExp, problem: string): string | null {
  return text === undefined || pattern.test(text) ? null : problem;
}

function invalid(text: string, what: string): LociError {
  return new LociError(
    "config_invalid",
    `The model ${JSON.stringify(text.slice(0, 200))} ${what}.`,
    {
      remedy: "Give a .gguf file, hf:user/repo:quantisation, or the name of a pulled model.",
    },
  );
}
