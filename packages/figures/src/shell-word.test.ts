import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { shellWord } from './shell-word.ts'

it('a plain path stays as it is', () => {
  expect(shellWord('runs/first-2.0_a@b=c')).toBe('runs/first-2.0_a@b=c')
})

it.skipIf(process.platform === 'win32').each(['', 'a b', '<script>', `it's "q"`, '$HOME `x` \\ ;|&*?', 'ünï 模型'])(
  'a shell hands on %j as it was', word => {
    expect(execFileSync('sh', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' })).toBe(word)
  })
