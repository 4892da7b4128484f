// Files and folders that are ours alone: made with no rights for others, never followed through a
// symbolic link, refused when somebody else owns them.

import {
  type Stats,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
} from "node:fs";
import { LociError } from "@loci/core";

const fileMode = 0o600;
const folderMode = 0o700;
const othersMask = 0o077;

/** Absent on Windows, which needs rights to make such links. */
const noFollow = constants.O_NOFOLLOW ?? 0;

/** Opens a file to read and write. Errors of the system are thrown as they come. */
export function openPrivate(path: string, mode: "existing" | "create" | "new"): number {
  const { O_RDWR, O_CREAT, O_EXCL } = constants;
  const create = { existing: 0, create: O_CREAT, new: O_CREAT | O_EXCL }[mode];
  const file = openSync(path, O_RDWR | create | noFollow, fileMode);
  const facts = fstatSync(file);
  if (facts.isFile() && isOurs(facts)) return file;
  closeSync(file);
  throw new LociError("file_unreadable", `${path} is not a file of this user.`, {
    remedy: "Remove it, or give another --kv-disk-path.",
  });
}

/** Makes a folder, with those above it, or takes one over that nobody else can change. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: folderMode });
  const facts = lstatSync(path);
  if (!facts.isDirectory() || !isOurs(facts)) {
    throw new LociError("config_invalid", `${path} is not a folder of this user.`, {
      remedy: "Give another --kv-disk-path.",
    });
  }
  if ((facts.mode & othersMask) !== 0) chmodSync(path, folderMode);
}

function isOurs({ uid }: Stats): boolean {
  const own = process.getuid?.();
  return own === undefined || uid === own;
}
