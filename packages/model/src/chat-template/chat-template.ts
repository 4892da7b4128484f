// Chat templates are code inside a model file and are never trusted. Each renders in a thread of
// its own, one chat at a time, under limits of steps, text, memory and processor time; whatever it
// does, the answer is a text or a typed error within the bound, and the next chat is served.
//
// The chat goes in as plain JSON text and comes out as text, cut wherever a string of the chat
// held a special token's text (special-text.ts).
import { assert, LociError, type ChatPrompt, type Clock, type ToolCallFormat } from "@loci/core";
import { MarkerPlan, SpecialText } from "./special-text.ts";
import { TemplateProcess, templateFailed, type TemplateProcessLimits } from "./template-process.ts";
import { mapStrings, namesIn, templateVariables, type JsonValue } from "./template-variables.ts";
import { detectToolCallFormat } from "./tool-call-format.ts";

export interface ChatTemplateLimits extends TemplateProcessLimits {
  readonly sourceUnitsMax: number;
  /** Renderings that wait for their turn. */
  readonly queueLengthMax: number;
}

export const chatTemplateLimits: ChatTemplateLimits = {
  sourceUnitsMax: 256 * 1024,
  queueLengthMax: 64,
  renderCpuMsMax: 250,
  startCpuMsMax: 5000,
  wallMsMax: 10_000,
  heapMebibytesMax: 64,
  stepsMax: 1_000_000,
  textUnitsMax: 16 * 1024 * 1024,
};

export interface ChatTemplateOptions {
  /** The template's text, as in a model file's `tokenizer.chat_template`. */
  readonly source: string;
  readonly bosToken: string;
  readonly eosToken: string;
  /** Texts of the control tokens: what no string of a chat may spell. */
  readonly specialTokens: readonly string[];
  readonly clock: Clock;
  readonly limits?: Partial<ChatTemplateLimits>;
}

export interface RenderedChat {
  /**
   * To be tokenised one by one, special tokens recognised, no tokens added, and concatenated.
   * One piece unless the chat's own strings hold text of special tokens. Never empty.
   */
  readonly segments: readonly string[];
}

interface QueuedRender {
  readonly variables: string;
  readonly resolve: (text: string) => void;
  readonly reject: (error: unknown) => void;
}

export class ChatTemplate {
  readonly toolCallFormat: ToolCallFormat;
  readonly #options: ChatTemplateOptions;
  readonly #limits: ChatTemplateLimits;
  readonly #special: SpecialText;
  readonly #names: ReadonlySet<string>;
  readonly #queue: QueuedRender[] = [];
  #process: TemplateProcess;
  #pumping = false;
  #closed = false;

  private constructor(options: ChatTemplateOptions, limits: ChatTemplateLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#special = new SpecialText(options.specialTokens);
    this.#names = namesIn(options.source);
    this.toolCallFormat = detectToolCallFormat(options.source);
    this.#process = this.#start();
  }

  /** Compiles `source`. Rejects with template_failed when it is too long or no template. */
  static async create(options: ChatTemplateOptions): Promise<ChatTemplate> {
    const limits = { ...chatTemplateLimits, ...options.limits };
    if (options.source.length > limits.sourceUnitsMax) {
      throw templateFailed(`it is longer than ${limits.sourceUnitsMax} characters`);
    }
    const template = new ChatTemplate(options, limits);
    await template.#process.ready;
    return template;
  }

  /**
   * `chat` as the model's text. Rejects with template_failed (the template refuses the chat, or a
   * budget ran out), queue_full, invalid_request or, on a machine too busy for it and after
   * `close`, unavailable.
   */
  async render(chat: ChatPrompt): Promise<RenderedChat> {
    const variables = {
      ...templateVariables(chat, this.#names),
      bos_token: this.#options.bosToken,
      eos_token: this.#options.eosToken,
    };
    const texts = this.#textsOf(variables);
    const cuts = new Map<string, readonly number[]>();
    for (const text of texts) {
      const found = this.#special.cuts(text);
      if (found.length > 0) cuts.set(text, found);
    }
    if (cuts.size === 0) return { segments: [await this.#enqueue(variables)] };
    const plan = new MarkerPlan([...texts, this.#options.source]);
    const marked = this.#mapChat(variables, (text) => plan.mark(text, cuts.get(text) ?? []));
    return { segments: plan.split(await this.#enqueue(marked)) };
  }

  /** Ends the thread and rejects what waits. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#queue.splice(0)) waiting.reject(closedError());
    await this.#process.close();
  }

  checkIntegrity(): void {
    assert(this.#queue.length <= this.#limits.queueLengthMax, "the queue is bounded");
    assert(!this.#closed || this.#queue.length === 0, "nothing waits after close");
    assert(this.#queue.length === 0 || this.#pumping, "what waits is being worked off");
    this.#process.checkIntegrity();
  }

  #start(): TemplateProcess {
    const started = new TemplateProcess(this.#options.source, this.#limits, this.#options.clock);
    // Whoever renders next meets the failure; until then it is nobody's unhandled rejection.
    started.ready.catch(() => {});
    return started;
  }

  /** Every string of the chat, keys included, once. */
  #textsOf(variables: Readonly<Record<string, JsonValue>>): ReadonlySet<string> {
    const texts = new Set<string>();
    this.#mapChat(variables, (text) => {
      texts.add(text);
      return text;
    });
    return texts;
  }

  /** `variables` with the chat's own strings changed: not the model's tokens, not the names. */
  #mapChat(
    variables: Readonly<Record<string, JsonValue>>,
    change: (text: string) => string,
  ): Record<string, JsonValue> {
    return Object.fromEntries(
      Object.entries(variables).map(([name, value]) => {
        const isModels = name === "bos_token" || name === "eos_token";
        return [name, isModels ? value : mapStrings(value, change)];
      }),
    );
  }

  #enqueue(variables: Readonly<Record<string, JsonValue>>): Promise<string> {
    if (this.#closed) throw closedError();
    if (this.#queue.length >= this.#limits.queueLengthMax) {
      throw new LociError("queue_full", "Too many chats wait for the model's chat template.", {
        remedy: "Try again in a second.",
        retryAfterSeconds: 1,
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#queue.push({ variables: JSON.stringify(variables), resolve, reject });
    if (!this.#pumping) void this.#pump();
    return promise;
  }

  /** Works off the queue in order. Never rejects: each failure belongs to its rendering. */
  async #pump(): Promise<void> {
    this.#pumping = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      try {
        if (!this.#process.isAlive) this.#process = this.#start();
        await this.#process.ready;
        next.resolve(await this.#process.render(next.variables));
      } catch (error) {
        next.reject(this.#closed ? closedError() : error);
        // The next chat should not wait for the start of a fresh thread.
        if (!this.#process.isAlive && !this.#closed) this.#process = this.#start();
      }
      if (this.#closed) break;
    }
    this.#pumping = false;
  }
}

function closedError(): LociError {
  return new LociError("unavailable", "The server is shutting down.");
}
