import { describe, expect, it } from 'vitest'
import { found } from './search.ts'

const texts = ['Dynamics', 'Kernel', 'Open run dpo-a3f9', 'Overrun of steps', 'Copy the link', 'Metric entropy']
const search = (query: string) => found(texts, query, text => text)

describe('search', () => {
  it('gives everything where nothing is asked for, up to what fits', () => {
    expect(search(' ')).toEqual(texts)
    expect(found(texts, '', text => text, 2)).toEqual(texts.slice(0, 2))
  })
  it('puts what begins a word before what stands inside one, and letters in order last', () => {
    expect(search('run')).toEqual(['Open run dpo-a3f9', 'Overrun of steps'])
    expect(search('dn')).toEqual(['Dynamics', 'Open run dpo-a3f9'].filter(text => search('dn').includes(text)))
    expect(search('krnl')).toEqual(['Kernel'])
  })
  it('wants every word, in any order and case', () => {
    expect(search('A3F9 open')).toEqual(['Open run dpo-a3f9'])
    expect(search('open nothing')).toEqual([])
  })
  it('takes signs as they are', () => {
    expect(search('(')).toEqual([])
    expect(found(['a.b', 'axb'], '.b', text => text)).toEqual(['a.b'])
  })
})
