// Small files named by settings: read to a bound, with errors that say which file is wrong.

import { open } from "node:fs/promises";

import { LociError } from "@loci/core";

/** The file's text; `subject` starts the error message. LociError config_invalid. */
export async function readBounded(
  subject: string,
  path: string,
  bytesMax: number,
): Promise<string> {
  const tooLarge = new LociError("config_invalid", `${subject} ${path} is too large.`, {
    remedy: `It may hold ${bytesMax} bytes.`,
  });
  try {
    await using handle = await open(path);
    const buffer = Buffer.alloc(bytesMax + 1);
    const { bytesRead } = await handle.read(buffer, 0, bytesMax + 1, 0);
    if (bytesRead > bytesMax) throw tooLarge;
    return buffer.toString("utf8", 0, bytesRead);
  } catch (error) {
    if (error instanceof LociError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new LociError("config_invalid", `${subject} ${path} cannot be read: ${reason}.`, {
      remedy: "Check the path and its permissions.",
      cause: error,
    });
  }
}
