import type { Tokenizer } from '@ldyn/models'
import { describe, expect, it } from 'vitest'
import type { Row } from '../rows/row.ts'
import { encodeEach, encodeRows, tokenDefaults, type TokenOptions } from './tokenise.ts'

const [BOS, EOS] = [1, 2]
/** One id a character, but 'ab' is one token of its own: so joining can merge across the seam. */
const tokenizer = {
  encode: (text: string) =>
    Int32Array.from(text.match(/ab|./gs) ?? [], (t) => (t === 'ab' ? 500 : t.charCodeAt(0))),
  bos: BOS,
  eos: EOS,
  addsBos: false,
} as unknown as Tokenizer
const withBos = { ...tokenizer, addsBos: true } as Tokenizer
const ids = (text: string): number[] => [...tokenizer.encode(text)]
const row = (prompt: string, responses: Record<string, string>, templated = false): Row => ({
  row: 0,
  where: 'f:1',
  prompt,
  responses,
  templated,
})
const options = (change: Partial<TokenOptions> = {}): TokenOptions => ({ ...tokenDefaults(20), ...change })
const one = (r: Row, o = options(), t = tokenizer): { prompt: number[]; response: number[]; truncated: number }[] =>
  encodeRows([r], Object.keys(r.responses), t, o).rows.flatMap((e) =>
    e.sequences.map((s) => ({ prompt: [...s.prompt], response: [...s.response], truncated: s.truncated })),
  )

describe('separate tokenisation', () => {
  it('joins prompt ids and response ids and ends in EOS', () => {
    expect(one(row('xa', { chosen: 'bc' }))).toEqual([
      { prompt: ids('xa'), response: [...ids('bc'), EOS], truncated: 0 },
    ])
  })
  it('puts BOS first where the post-processor does, and nothing around text from a chat template', () => {
    expect(one(row('x', { chosen: 'y' }), options(), withBos)[0].prompt).toEqual([BOS, ...ids('x')])
    const templated = one(row('x', { chosen: 'y' }, true), options(), withBos)[0]
    expect([templated.prompt, templated.response]).toEqual([ids('x'), ids('y')])
  })
  it('adds no second EOS', () => {
    const ending = {
      ...tokenizer,
      encode: (text: string) => Int32Array.of(...ids(text), ...(text === 'y' ? [EOS] : [])),
    } as Tokenizer
    expect(one(row('x', { chosen: 'y' }), options(), ending)[0].response).toEqual([...ids('y'), EOS])
  })
  it('refuses a prompt without a token', () => {
    expect(() => one(row('', { chosen: 'y' }))).toThrow(/prompt has no token/)
    expect(one(row('', { chosen: 'y' }), options(), withBos)[0].prompt).toEqual([BOS])
  })
  it('leaves empty responses out', () => expect(one(row('x', { chosen: '', rejected: 'n' }))).toHaveLength(1))
})

describe('joint tokenisation', () => {
  it("begins the responses where any joined text leaves the prompt's own ids", () => {
    // 'xa' + 'bc' is x, ab, c: the prompt's a is gone, so both responses begin after x.
    const [merged, plain] = one(row('xa', { chosen: 'bc', rejected: 'cc' }), options({ mode: 'joint' }))
    expect(merged).toEqual({ prompt: ids('x'), response: [500, ...ids('c'), EOS], truncated: 0 })
    expect(plain).toEqual({ prompt: ids('x'), response: [...ids('acc'), EOS], truncated: 0 })
  })
  it('encodes a watched type by itself, so that its tokens do not depend on what else is watched', () => {
    const { byRow } = encodeEach(
      [row('xa', { chosen: 'bc', rejected: 'cc' })],
      'rejected',
      tokenizer,
      options({ mode: 'joint' }),
    )
    expect([...byRow[0][0].prompt]).toEqual(ids('xa'))
  })
})

describe('what is too long', () => {
  const long = row('12345', { chosen: 'x'.repeat(30) })
  it('is an error that says how long and what to do', () => {
    expect(() => one(long)).toThrow(/longer than the longest sequence \(36 > 20 tokens\)/)
  })
  it('is cut, or goes with its row, where the caller says so', () => {
    expect(one(long, options({ overflow: 'truncate' }))[0]).toMatchObject({
      truncated: 16,
      response: ids('x'.repeat(15)),
    })
    expect(encodeRows([long], ['chosen'], tokenizer, options({ overflow: 'drop' }))).toMatchObject({
      rows: [],
      dropped: 1,
    })
    const full = row('p'.repeat(20), { chosen: 'x' })
    expect(encodeRows([full], ['chosen'], tokenizer, options({ overflow: 'truncate' }))).toMatchObject({
      rows: [],
      dropped: 1,
    })
  })
  it("follows the released code's rule in paper mode: the longest response decides for all", () => {
    const o = options({ mode: 'paper', maxPromptLength: 4 })
    const [short, longer] = one(row('123456', { chosen: 'yy', rejected: 'z'.repeat(18) }), o)
    expect(short).toMatchObject({ prompt: ids('3456'), response: [...ids('yy'), EOS] })
    expect(longer).toMatchObject({ prompt: ids('3456'), response: ids('z'.repeat(16)) })
    expect(one(row('123456', { chosen: 'yy' }), { ...o, truncation: 'keep_start' })[0].prompt).toEqual(
      ids('123456'),
    )
  })
})
