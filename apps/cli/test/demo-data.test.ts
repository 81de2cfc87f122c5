// The data that `ldyn demo` embeds (demo/README.md) is complete, and what is made from it is made again to the byte.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const demo = fileURLToPath(new URL('../demo/', import.meta.url))
const texts = ['chosen', 'rejected', 'chosen_rephrase', 'rejected_rephrase']
const lines = (text: string): Record<string, string>[] => text.trim().split('\n').map((line) => JSON.parse(line))
const rows = lines(readFileSync(join(demo, 'preferences.jsonl'), 'utf8'))
const script = (name: string, ...args: string[]): string =>
  execFileSync(process.execPath, [join(demo, name), ...args], { encoding: 'utf8' })

describe('the preference set', () => {
  it('has at least 300 prompts, of which 40 are held out', () => {
    expect(rows.length).toBeGreaterThanOrEqual(300)
    expect(rows.filter((row) => row.split === 'test')).toHaveLength(40)
    expect(rows.every((row) => row.split === 'test' || row.split === 'train')).toBe(true)
  })

  it('has the HH form: "\\n\\nHuman: …\\n\\nAssistant:", and every response begins with one space', () => {
    for (const row of rows) {
      expect(row.prompt).toMatch(/^\n\nHuman: \S[^\n]*\S\n\nAssistant:$/)
      for (const key of texts) expect(row[key]).toMatch(/^ \S[^\n]*[.?!"]$/)
    }
  })

  it('repeats no prompt and no response', () => {
    const all = rows.flatMap((row) => ['prompt', ...texts].map((key) => row[key].trim().toLowerCase()))
    expect(all.filter((text, i) => all.indexOf(text) !== i)).toEqual([])
  })
})

describe('the corpus and the tokenizer', () => {
  it('come out the same every time, and the committed tokenizer is the one they give', () => {
    const corpus = script('make-corpus.mjs')
    expect(lines(corpus).length).toBeGreaterThan(1000)
    expect(script('make-corpus.mjs')).toBe(corpus)

    const folder = mkdtempSync(join(tmpdir(), 'ldyn-demo-'))
    try {
      script('make-tokenizer.mjs', folder)
      for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
        expect(readFileSync(join(folder, name), 'utf8')).toBe(readFileSync(join(demo, 'model', name), 'utf8'))
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('agree with the model on the vocabulary: 1024 entries, the end of text first', () => {
    const { model } = JSON.parse(readFileSync(join(demo, 'model/tokenizer.json'), 'utf8'))
    const config = JSON.parse(readFileSync(join(demo, 'model/config.json'), 'utf8'))
    expect(Object.keys(model.vocab)).toHaveLength(config.vocab_size)
    expect(model.merges).toHaveLength(1024 - 256 - 1)
    expect(model.vocab['<|endoftext|>']).toBe(config.eos_token_id)
  })
})
