/**
 * Chat templates: Jinja text from chat_template.jinja or tokenizer_config.json, rendered as transformers
 * does.
 */
import { Template } from '@huggingface/jinja'
import { ModelError } from '../error.ts'

export interface ChatMessage {
  readonly role: string
  readonly content: string
}

export interface ChatTemplate {
  readonly source: string
  /**
   * The conversation as one text, special tokens written out. Throws ModelError `bad-template`, also where
   * the template refuses.
   */
  apply(messages: readonly ChatMessage[], options?: { readonly addGenerationPrompt?: boolean }): string
}

const tokens = ['bos_token', 'eos_token', 'pad_token', 'unk_token', 'sep_token', 'cls_token', 'mask_token']

/** Compiles on first use: a template that Jinja cannot parse hurts only those who chat. */
export function chatTemplate(source: string, config: Readonly<Record<string, unknown>>, where: string): ChatTemplate {
  const named = Object.fromEntries(tokens.flatMap((key) => {
    const value = config[key]
    const content = typeof value === 'string' ? value : (value as { readonly content?: string } | null | undefined)?.content
    return content === undefined ? [] : [[key, content]]
  }))
  let compiled: Template | undefined
  return {
    source,
    apply(messages, { addGenerationPrompt = false } = {}) {
      try {
        compiled ??= new Template(source)
        return compiled.render({ ...named, messages, add_generation_prompt: addGenerationPrompt })
      } catch (cause) {
        throw new ModelError({
          code: 'bad-template', what: 'Cannot apply the chat template', where,
          why: cause instanceof Error ? cause.message : String(cause),
          fix: 'Check the roles and their order in the conversation, or give prompts as plain text',
        }, { cause })
      }
    },
  }
}
