import { memoryFiles, type RunFiles } from '@ldyn/runs'
import { expect, it } from 'vitest'
import { followWatched } from './watched-lines.ts'

const line = (s: number): string =>
  `${JSON.stringify({ s, t: 1, stage: 'dpo', positions: [{ row: 0, type: 'chosen', token: 0, entropy: 1, tokens: [], top: [], curve: [] }] })}\n`

it('reads what is new and nothing twice, and waits for the rest of a torn line', async () => {
  let text = line(0) + line(5).slice(0, 20)
  const read: [number, number][] = []
  const files: RunFiles = {
    ...memoryFiles(new Map(), 'r'),
    size: () => Promise.resolve(text.length),
    read: (_, offset, length) => {
      read.push([offset, length])
      return Promise.resolve(new TextEncoder().encode(text.slice(offset, offset + length)))
    },
  }
  const watched = followWatched(files)
  expect((await watched.refresh())!.map(({ s }) => s)).toEqual([0])
  text = line(0) + line(5)
  expect((await watched.refresh())!.map(({ s }) => s)).toEqual([0, 5])
  expect(Math.min(...read.slice(1).map(([offset]) => offset))).toBe(line(0).length)
  const before = read.length
  await watched.refresh()
  expect(read).toHaveLength(before)
})

it('has nothing where the run has no such file, and names a line that is wrong', async () => {
  expect(await followWatched(memoryFiles(new Map(), 'r')).refresh()).toBeUndefined()
  const wrong = memoryFiles(new Map([['watched.jsonl', new TextEncoder().encode('{"s":1}\n')]]), 'r')
  await expect(followWatched(wrong).refresh()).rejects.toThrow('line 1')
})
