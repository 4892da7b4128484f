// The page and its files, read into memory once: nothing of the file system can be reached by an
// address afterwards. What a build has compressed beside a file is sent to those who take it.

import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { LociError } from "@loci/core";

/** Bounds of a page: files without their compressed variants, bytes with them. */
const filesMax = 64;
const bytesMax = 4 * 2 ** 20;

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

export type PageEncoding = "br" | "gzip";

export interface PageFile {
  /** Its address, e.g. `/assets/index-3f2a.js`. */
  readonly path: string;
  readonly contentType: string;
  /** Its address changes with its content. */
  readonly isHashed: boolean;
  readonly etag: string;
  readonly plain: Buffer;
  /** Best first. */
  readonly compressed: readonly { readonly encoding: PageEncoding; readonly bytes: Buffer }[];
}

export interface StaticPage {
  /** `/` among them. */
  readonly files: readonly PageFile[];
}

/**
 * All files of a built page. Null when the folder holds none.
 * @throws LociError `file_unreadable` when there are too many, too large ones, or unknown types
 */
export async function loadStaticPage(folder: string): Promise<StaticPage | null> {
  const names = await filesOf(folder);
  if (!names.includes("index.html")) return null;
  const known = new Set(names);
  const isVariant = (name: string): boolean =>
    /\.(?:br|gz)$/.test(name) && known.has(name.replace(/\.(?:br|gz)$/, ""));
  const originals = names.filter((name) => !isVariant(name));
  if (originals.length > filesMax) throw unfit(`more than ${filesMax} files`);
  await requireSmall(folder, names);
  const files = originals.map((name) => readPageFile(folder, name, known));
  return { files: await Promise.all(files) };
}

async function filesOf(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw new LociError("file_unreadable", "The page's folder cannot be read.", { cause: error });
  }
}

async function requireSmall(folder: string, names: readonly string[]): Promise<void> {
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes > bytesMax) throw unfit(`more than ${bytesMax} bytes`);
}

async function readPageFile(
  folder: string,
  name: string,
  known: ReadonlySet<string>,
): Promise<PageFile> {
  const contentType = types[extname(name).toLowerCase()];
  if (contentType === undefined) throw unfit(`a file of unknown type, '${name}'`);
  const plain = await readFile(join(folder, name));
  const variant = async (encoding: PageEncoding, ending: string): Promise<Variants> =>
    known.has(name + ending)
      ? [{ encoding, bytes: await readFile(join(folder, name + ending)) }]
      : [];
  const digest = createHash("sha256").update(plain).digest("base64url").slice(0, 22);
  return {
    path: name === "index.html" ? "/" : `/${name}`,
    contentType,
    isHashed: name.startsWith("assets/"),
    // Weak: its compressed variants have the same.
    etag: `W/"${digest}"`,
    plain,
    compressed: [...(await variant("br", ".br")), ...(await variant("gzip", ".gz"))],
  };
}

type Variants = PageFile["compressed"];

function unfit(what: string): LociError {
  return new LociError("file_unreadable", `The page cannot be served: it has ${what}.`, {
    remedy: "Build it again, or start without it (--no-page).",
  });
}
