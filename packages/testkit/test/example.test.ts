/** The README's worked example: it passes the suite, and what the README shows of it is what it is. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createBackend } from '../example/arrays.ts'
import { describeBackend } from '../src/index.ts'

describeBackend({ name: 'arrays', create: createBackend, programs: 25 })

describe('the README', () => {
  const text = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
  const blocks = [...text('../README.md').matchAll(/```ts example\n(.*?)```/gs)].map(([, code]) => code.trim())
  const example = text('../example/arrays.ts')
  it('quotes the example', () => {
    expect(blocks.length).toBeGreaterThan(2)
    for (const block of blocks) expect(example).toContain(block)
  })
})
