import { FormatError } from '@ldyn/formats'
import { DataError, NumericalError } from '@ldyn/lab'
import { ModelError } from '@ldyn/models'
import { RunError } from '@ldyn/runs'
import { DeviceError, ShapeError, UnsupportedError } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { CODES } from './codes.ts'
import { crashReport } from './crash.ts'
import { CliError, codeHelp, errorData, explain, renderError } from './errors.ts'
import { exitOf } from './exit-codes.ts'
import { didYouMean, distance, nearest } from './nearest.ts'

const parts = {
  what: 'Cannot read it',
  where: 'a.safetensors',
  why: 'it ends at byte 9',
  fix: 'Get it again',
}
const system = (code: string, message = code): Error =>
  Object.assign(new Error(message), { code, path: '/x' })

describe('explain', () => {
  const cases: [string, unknown, string][] = [
    ['a truncated file', new FormatError({ code: 'truncated', ...parts }), 'LD3202'],
    ['a git-LFS pointer', new FormatError({ code: 'lfs-pointer', ...parts }), 'LD3201'],
    ['a header that contradicts itself', new FormatError({ code: 'overlap', ...parts }), 'LD3203'],
    ['a full disk', new FormatError({ code: 'no-space', ...parts }), 'LD5004'],
    ['half a line', new FormatError({ code: 'half-line', ...parts }), 'LD3102'],
    ['no model', new ModelError({ code: 'not-found', ...parts }), 'LD4001'],
    ['an unknown architecture', new ModelError({ code: 'unknown-architecture', ...parts }), 'LD3205'],
    ['a missing tensor', new ModelError({ code: 'missing-tensor', ...parts }), 'LD3206'],
    ['no tokenizer', new ModelError({ code: 'no-tokenizer', ...parts }), 'LD3207'],
    ['a directory that is no run', new RunError({ code: 'not-a-run', ...parts }), 'LD4002'],
    ['a locked run', new RunError({ code: 'locked', ...parts }), 'LD8002'],
    ['a damaged run', new RunError({ code: 'bad-line', ...parts }), 'LD8001'],
    ['a bad row', new DataError('the row is in no format'), 'LD3101'],
    ['a missing data file', new DataError('data file not found'), 'LD4003'],
    ['NaN', new NumericalError('dpo', 3, 'exp', 'layers.0'), 'LD6001'],
    ['an op that a backend lacks', new UnsupportedError('no conv2d'), 'LD5006'],
    ['a device that died', new DeviceError('the worker ended'), 'LD5003'],
    ['a device out of memory', new DeviceError('std::bad_alloc'), 'LD5002'],
    ['shapes that do not fit', new ShapeError('matmul', [], 'inner sizes differ', 'layers.1'), 'LD3301'],
    ['ENOSPC', system('ENOSPC'), 'LD5004'],
    ['EACCES', system('EACCES'), 'LD5005'],
    ['EROFS', system('EROFS'), 'LD5005'],
    ['ENOENT', system('ENOENT'), 'LD4003'],
    ['a worker out of memory', system('ERR_WORKER_OUT_OF_MEMORY'), 'LD5002'],
    ['a heap that cannot grow', new RangeError('Array buffer allocation failed'), 'LD5002'],
  ]
  it.each(cases)('gives %s its code', (_, error, code) => {
    const told = explain(error)!
    expect(told.code).toBe(code)
    expect(told.exit).toBe(Number(code[2]))
  })

  it('keeps what, where, why and fix', () => {
    expect(explain(new FormatError({ code: 'truncated', ...parts }))).toMatchObject(parts)
  })

  it('knows an error from a worker, whose class is lost', () => {
    const cloned = Object.assign(new Error('the device is gone'), { name: 'DeviceError' })
    expect(explain(cloned)?.code).toBe('LD5003')
  })

  it('does not claim to know what it does not', () => {
    expect(explain(new TypeError('x is not a function'))).toBeUndefined()
    expect(explain('a string')).toBeUndefined()
  })
})

describe('renderError', () => {
  it('says what, where, why, fix and docs, aligned, further lines below the first', () => {
    const error = new CliError({
      code: 'LD3101',
      what: '3 rows are too long',
      where: 'hh.jsonl:118',
      why: 'they were cut',
      fix: 'do this\nor that',
    })
    expect(renderError(error)).toBe(
      [
        'error[LD3101] 3 rows are too long',
        '  where  hh.jsonl:118',
        '  why    they were cut',
        '  fix    do this',
        '         or that',
        '  docs   ldyn help LD3101',
      ].join('\n'),
    )
  })

  it('leaves out what is not known', () => {
    expect(renderError(new CliError({ code: 'LD2001', what: 'no' }))).toBe(
      'error[LD2001] no\n  docs   ldyn help LD2001',
    )
  })

  it('gives --json the same facts', () => {
    const error = new CliError({ code: 'LD2001', what: 'no', fix: 'yes' })
    expect(errorData(error)).toEqual({
      code: 'LD2001',
      message: 'no',
      where: '',
      why: '',
      hint: 'yes',
      docs: 'ldyn help LD2001',
    })
  })
})

describe('codes', () => {
  it('name their exit code, and each has a page', () => {
    for (const code of Object.keys(CODES)) {
      expect(codeHelp(code)).toContain(`exit code ${exitOf(code)}`)
    }
    expect(codeHelp('LD9999')).toBeUndefined()
    expect(() => exitOf('LD9001')).toThrow(RangeError)
  })
})

describe('nearest', () => {
  it('counts insertions, deletions, substitutions and swaps as one each', () => {
    expect(distance('trian', 'train')).toBe(1)
    expect(distance('abc', '')).toBe(3)
    expect(distance('kitten', 'sitting')).toBe(3)
  })
  it('looks over case, dashes and underscores', () => {
    expect(nearest('max_grad_norm', ['batch', 'maxGradNorm'])).toBe('maxGradNorm')
  })
  it('suggests nothing that is nothing like it', () => {
    expect(nearest('zzzz', ['batch', 'lr'])).toBeUndefined()
    expect(didYouMean('zzzz', ['batch'])).toBe('')
  })
})

describe('crash report', () => {
  it('holds command line, versions and the chain of stacks', () => {
    const error = new Error('outer', { cause: new Error('inner') })
    const text = crashReport({ error, argv: ['train', '--lr', '1'], version: '1.2.3', now: new Date(0) })
    expect(text).toContain('ldyn 1.2.3')
    expect(text).toContain('argv ["train","--lr","1"]')
    expect(text).toMatch(/Error: outer[^]*caused by\nError: inner/)
  })
})
