// The operating system's refusals in words, with what helps. They reach a user where nobody between
// knew better.

import { LociError } from "@loci/core";
import type { ErrorCode } from "@loci/core";

interface Explanation {
  readonly code: ErrorCode;
  readonly what: string;
  readonly remedy: string;
}

const explanations: ReadonlyMap<string, Explanation> = new Map([
  [
    "ENOSPC",
    {
      code: "storage_full",
      what: "The disk is full",
      remedy: "Free some space; loci rm removes pulled models, --kv-disk-size bounds the cache.",
    },
  ],
  [
    "EDQUOT",
    {
      code: "storage_full",
      what: "Your share of the disk is used up",
      remedy: "Free some space; loci rm removes pulled models.",
    },
  ],
  [
    "EACCES",
    {
      code: "file_unreadable",
      what: "Permission was denied",
      remedy: "Check who owns the file and its folder, or name another one.",
    },
  ],
  [
    "EPERM",
    {
      code: "file_unreadable",
      what: "It is not permitted",
      remedy: "Check who owns the file and its folder, or name another one.",
    },
  ],
  [
    "EROFS",
    {
      code: "file_unreadable",
      what: "The file system is read-only",
      remedy: "Name a folder that can be written to.",
    },
  ],
  ["ENOENT", { code: "file_unreadable", what: "There is no such file", remedy: "Check the path." }],
  [
    "EISDIR",
    {
      code: "file_unreadable",
      what: "It is a folder, not a file",
      remedy: "Name a file inside it.",
    },
  ],
  [
    "ENOTDIR",
    {
      code: "file_unreadable",
      what: "A part of the path is a file, not a folder",
      remedy: "Check the path.",
    },
  ],
  [
    "EMFILE",
    {
      code: "unavailable",
      what: "Too many files are open",
      remedy: "Raise the limit with ulimit -n and try again.",
    },
  ],
  [
    "ENOMEM",
    {
      code: "out_of_memory",
      what: "The system has no memory left",
      remedy: "Close other programs, or choose a smaller model or --kv-memory.",
    },
  ],
  [
    "EADDRINUSE",
    {
      code: "config_invalid",
      what: "The address is in use",
      remedy: "Another server runs there: stop it, or choose another --port.",
    },
  ],
]);

/** A LociError for an error of the system that users can do something about; else null. */
export function explainSystemError(error: unknown): LociError | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  const explanation = explanations.get(String(error.code));
  if (explanation === undefined) return null;
  const path = "path" in error && typeof error.path === "string" ? `: ${error.path}` : "";
  const { code, what, remedy } = explanation;
  return new LociError(code, `${what} (${String(error.code)})${path}.`, { remedy, cause: error });
}
