// A server with real weights whose chats know tools: the bundled model under a template that writes
// calls as Hermes does. What the model was never taught, grammars make it write.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { LociProcess } from "../../testing/loci-process.ts";

/** The model's own template, and tools before the messages. */
const template = `
{%- if tools %}
{{- '<|im_start|>system\\nTools:' }}
{%- for tool in tools %}{{- '\\n' + (tool | tojson) }}{%- endfor %}
{{- '\\nCalls: <tool_call>\\n{"name": NAME, "arguments": OBJECT}\\n</tool_call><|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.content %}{{- message.content }}{%- endif %}
{%- for call in message.tool_calls or [] %}
{{- '<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- (call.function.arguments | tojson) + '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
`.trim();

export interface ToolServer extends AsyncDisposable {
  readonly url: string;
  readonly apiKey: string;
}

/** Resolves when it answers. */
export async function startToolServer(): Promise<ToolServer> {
  const folder = mkdtempSync(join(tmpdir(), "loci-clients-"));
  const templateFile = join(folder, "template.jinja");
  writeFileSync(templateFile, template);
  const apiKey = "sk-clients";
  const words = ["serve", "--port", "0", "--kv-memory", "64MiB", "--api-key", apiKey];
  const loci = new LociProcess([...words, "--chat-template-file", templateFile], {
    environment: { LOCI_STORE: join(folder, "store.sqlite") },
  });
  const close = async (): Promise<void> => {
    await loci[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { url: await loci.url(), apiKey, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
