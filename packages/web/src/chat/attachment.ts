// Text files that go with a message. Each becomes a part of the message of its own: its name, then
// its text between fences that the text itself does not contain.

export interface Attachment {
  readonly name: string;
  readonly text: string;
}

export const attachmentLimits: Readonly<Record<"filesMax" | "fileBytesMax", number>> = {
  filesMax: 8,
  fileBytesMax: 256 * 1024,
};

const nameCharsMax = 120;
const head = "Attached file: ";

/** The part of the message that carries it. */
export function attachmentText({ name, text }: Attachment): string {
  const fence = fenceFor(text);
  return `${head}${cleanName(name)}\n${fence}\n${text}\n${fence}`;
}

/** The attachment that a part of a message carries; null when the part is none. */
export function parseAttachment(part: string): Attachment | null {
  if (!part.startsWith(head)) return null;
  const [first = "", fence = ""] = part.split("\n", 2);
  const start = first.length + 1 + fence.length + 1;
  const end = part.length - fence.length - 1;
  if (!/^`{3,}$/.test(fence) || end < start || !part.endsWith(`\n${fence}`)) return null;
  return { name: first.slice(head.length), text: part.slice(start, end) };
}

/** Why a file cannot be attached; null when it can. */
export function attachmentProblem(file: { name: string; size: number }): string | null {
  if (file.size <= attachmentLimits.fileBytesMax) return null;
  return `${cleanName(file.name)} is larger than 256 KiB.`;
}

/** The text of a file's bytes; null when they are no text. */
export function decodeText(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? null : text.replaceAll("\r\n", "\n");
  } catch {
    return null;
  }
}

/** Longer than any run of backticks within. */
function fenceFor(text: string): string {
  const runs = text.match(/`{3,}/g) ?? [];
  return "`".repeat(Math.max(3, ...runs.map((run) => run.length + 1)));
}

function cleanName(name: string): string {
  const oneLine = name.replaceAll(/\p{Cc}+/gu, " ").trim();
  return oneLine.slice(0, nameCharsMax) || "file";
}
