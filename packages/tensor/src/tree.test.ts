import { describe, expect, it } from 'vitest'
import { f32, leaves, mapTree, matches, unflatten, type Tree } from './index.ts'

const paths = (tree: Tree<number>) => leaves(tree).map(({ path, value }) => [path, value])

describe('leaves', () => {
  it('have dot paths, in the order in which the tree was written', () => {
    expect(paths({ b: 1, a: { z: 2, layers: [3, { w: 4 }] } })).toEqual([
      ['b', 1],
      ['a.z', 2],
      ['a.layers.0', 3],
      ['a.layers.1.w', 4],
    ])
  })
  it('are nothing where a branch is undefined or empty, and one where the tree is a leaf', () => {
    expect(paths({ a: undefined, b: {}, c: [], d: 1 })).toEqual([['d', 1]])
    expect(paths(undefined)).toEqual([])
    expect(paths(7)).toEqual([['', 7]])
  })
  it('are anything with a shape and a dtype', () => {
    expect(leaves({ w: f32(2) })).toEqual([{ path: 'w', value: f32(2) }])
  })
  it('refuse what is no tree, by its path', () => {
    expect(() => leaves({ a: { b: 'text' } } as never)).toThrow(
      "'a.b' is a string; a tree holds objects, arrays, tensors and numbers",
    )
    expect(() => leaves({ a: { 'x.y': 1 } })).toThrow(`tree key "x.y" at 'a' is empty or has a dot`)
    expect(() => leaves({ '': 1 })).toThrow(`tree key "" at '' is empty`)
  })
})

describe('unflatten', () => {
  it('is the inverse of leaves', () => {
    const tree = { b: 1, a: { z: 2, layers: [3, { w: 4 }] } }
    expect(unflatten(leaves<number>(tree))).toEqual(tree)
    expect(Object.keys(unflatten(leaves<number>(tree)) as object)).toEqual(['b', 'a'])
    expect(unflatten([{ path: '', value: 5 }])).toBe(5)
    expect(unflatten([])).toBeUndefined()
  })
  it('makes an array of 0 … n − 1 and of nothing else', () => {
    expect(
      unflatten([
        { path: '0', value: 1 },
        { path: '1', value: 2 },
      ]),
    ).toEqual([1, 2])
    expect(unflatten([{ path: '1', value: 1 }])).toEqual({ 1: 1 })
  })
  it('refuses a path that is given twice, or is a leaf and a branch', () => {
    expect(() =>
      unflatten([
        { path: 'a.b', value: 1 },
        { path: 'a.b', value: 2 },
      ]),
    ).toThrow("'a.b' is given twice")
    expect(() =>
      unflatten([
        { path: 'a', value: 1 },
        { path: 'a.b', value: 2 },
      ]),
    ).toThrow("'a' is given twice, or is a leaf and a branch (., b)")
  })
})

describe('mapTree', () => {
  it('replaces leaves by path and keeps every branch, empty ones too', () => {
    const tree = { a: [1, undefined, 2], none: {}, empty: [], gone: undefined }
    expect(mapTree<number, string>(tree, (v, path) => `${path}=${v}`)).toEqual({
      a: ['a.0=1', undefined, 'a.2=2'],
      none: {},
      empty: [],
      gone: undefined,
    })
  })
})

describe('a path filter', () => {
  it('is a path with all below it, several, or a predicate', () => {
    expect(matches('params', 'params.w')).toBe(true)
    expect(matches('params', 'params2.w')).toBe(false)
    expect(matches('params.w', 'params.w')).toBe(true)
    expect(matches('', 'anything')).toBe(true)
    expect(matches(['a', 'b.c'], 'b.c.d')).toBe(true)
    expect(matches([], 'a')).toBe(false)
    expect(matches((path) => path.endsWith('.lora'), 'layers.0.lora')).toBe(true)
  })
})
