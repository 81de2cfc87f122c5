/** Looks a probe set over for rows that would mislead: empty, repeated, cut off, or in another language. */
import type { Tokenizer } from '@ldyn/models'
import { encodeRow, type TokenOptions } from '../tokens/tokenise.ts'
import type { Row } from '../rows/row.ts'

export interface Finding {
  readonly kind: 'empty' | 'duplicate' | 'same-as' | 'truncated' | 'language' | 'instruction'
  readonly where: string
  readonly row: number
  readonly type?: string
  readonly message: string
}

const normal = (text: string): string => text.trim().replace(/\s+/g, ' ').toLowerCase()

/** Share of letters outside a text's main script, by Unicode script. */
const SCRIPTS = [
  'Latin',
  'Cyrillic',
  'Han',
  'Hiragana',
  'Hangul',
  'Arabic',
  'Devanagari',
  'Greek',
  'Hebrew',
  'Thai',
].map((name) => [name, new RegExp(`\\p{Script=${name}}`, 'gu')] as const)
function mainScript(text: string): string | undefined {
  const counts = SCRIPTS.map(([name, pattern]) => [name, text.match(pattern)?.length ?? 0] as const)
  const total = counts.reduce((n, [, c]) => n + c, 0)
  if (total < 12) return undefined
  return counts.reduce((a, b) => (b[1] > a[1] ? b : a))[0]
}

/** Phrases with which a language model answers an instruction to rephrase instead of following it. */
const META =
  /^(sure[,!]|here is|here's (the|a) (re|para)phras|i'm sorry|as an ai|@@@|original sentence|rephrased?:)/i

/**
 * Findings in row order. `empty`: a type that other rows have is missing; `duplicate`: a prompt stands twice;
 * `same-as`: two types of a row are the same text, so their curves cannot differ; `truncated`: tokens are cut off;
 * `language`: a response is in another script than its prompt; `instruction`: the text talks about rephrasing.
 */
export function checkProbes(rows: readonly Row[], tokenizer?: Tokenizer, options?: TokenOptions): Finding[] {
  const types = [...new Set(rows.flatMap((r) => Object.keys(r.responses)))]
  const prompts = new Map<string, Row>()
  return rows.flatMap((row) => {
    const found: Finding[] = []
    const add = (kind: Finding['kind'], message: string, type?: string): void =>
      void found.push({ kind, where: row.where, row: row.row, type, message })
    const twin = prompts.get(normal(row.prompt))
    if (twin) add('duplicate', `the prompt stands already in ${twin.where}`)
    else prompts.set(normal(row.prompt), row)

    const texts = new Map<string, string>()
    const script = mainScript(row.prompt)
    for (const type of types) {
      const text = row.responses[type] ?? ''
      if (normal(text) === '') {
        add('empty', `'${type}' is empty here and there in other rows`, type)
        continue
      }
      const same = texts.get(normal(text))
      if (same) add('same-as', `'${type}' is the same text as '${same}'`, type)
      else texts.set(normal(text), type)
      const own = mainScript(text)
      if (script && own && own !== script)
        add('language', `'${type}' is in ${own} script and its prompt in ${script}`, type)
      if (META.test(text.trim()))
        add(
          'instruction',
          `'${type}' reads like an answer to the instruction: ${JSON.stringify(text.trim().slice(0, 50))}`,
          type,
        )
    }
    if (tokenizer && options) {
      for (const s of encodeRow(row, types, tokenizer, { ...options, overflow: 'truncate' })?.sequences ?? []) {
        if (s.truncated > 0) {
          const total = s.truncated + s.response.length
          add(
            'truncated',
            `'${s.type}' loses ${s.truncated} of its ${total} tokens to the longest sequence of ${options.maxLength}`,
            s.type,
          )
        }
      }
    }
    return found
  })
}
