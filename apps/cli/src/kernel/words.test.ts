import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { f32, matches } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { bytesOf, memoryText, parametersText } from './open.ts'
import { chosenParameters } from './parameters.ts'
import { binned, picture, table } from './picture.ts'
import { checkOut, saveMatrices } from './save.ts'

const layer = { attn: { q: { w: f32(2, 2) }, k: { w: f32(2, 2) } }, mlp: { up: { w: f32(2, 4) } } }
const params = { embed: f32(5, 2), layers: [layer, layer, layer], norm: { w: f32(2) }, head: f32(5, 2) }
const chosen = (text: string): string[] => {
  const { wrt } = chosenParameters(params, text)
  const inLayers = [0, 1, 2].flatMap((l) => ['attn.q.w', 'attn.k.w', 'mlp.up.w'].map((p) => `layers.${l}.${p}`))
  return ['embed', ...inLayers, 'norm.w', 'head'].filter((path) => matches(wrt, path))
}

describe('--params', () => {
  it('takes paths with all below them, patterns, and the last layers with what comes after', () => {
    expect(chosen('layers.1')).toEqual(['layers.1.attn.q.w', 'layers.1.attn.k.w', 'layers.1.mlp.up.w'])
    expect(chosen('layers.*.attn.q, head')).toEqual([0, 1, 2].map((l) => `layers.${l}.attn.q.w`).concat('head'))
    expect(chosen('last:1')).toEqual(['layers.2.attn.q.w', 'layers.2.attn.k.w', 'layers.2.mlp.up.w', 'norm.w', 'head'])
  })

  it('says how many of how many', () => {
    expect(parametersText(chosenParameters(params))).toBe('all 70 parameters')
    expect(parametersText(chosenParameters(params, 'layers.0.attn'))).toBe('8 of 70 parameters (2 tensors)')
  })

  it.each([
    ['layers.3', 'layers.0 to layers.2'],
    ['atn', "the model's parameters are embed, layers.0 to layers.2, norm, head"],
    ['last:4', 'the model has 3 layers'],
  ])('refuses what matches nothing: %s', (text, why) => {
    expect(() => chosenParameters(params, text)).toThrow(
      expect.objectContaining({ code: 'LD2003', where: '--params', why: expect.stringContaining(why) }),
    )
  })

  it('offers the nearest', () => {
    expect(() => chosenParameters(params, 'layer.0')).toThrow(
      expect.objectContaining({ fix: expect.stringContaining('did you mean layers.0?') }),
    )
  })
})

describe('amounts of memory', () => {
  it('are read and told', () => {
    expect([bytesOf('4GiB', '--memory'), bytesOf('1.5g', '--memory'), bytesOf('900 MB', '--memory')]).toEqual([
      2 ** 32,
      1.5 * 2 ** 30,
      900 * 2 ** 20,
    ])
    expect([memoryText(2 ** 31), memoryText(3 * 2 ** 20), memoryText(2048)]).toEqual(['2.00 GiB', '3.0 MiB', '2.0 KiB'])
    expect(() => bytesOf('lots', '--memory')).toThrow('--memory takes an amount of memory')
  })
})

describe('a matrix in the terminal', () => {
  const style = (_: unknown, text: string): string => text
  it('has a cell an entry: darker for larger, other letters for the other sign', () => {
    const matrix = [
      [1, 0.1, 0],
      [-1, -0.1, 0.001],
    ]
    expect(picture(matrix, { ascii: false, style }).rows).toEqual(['█░·', '●∘·'])
    expect(picture(matrix, { ascii: true, style }).rows).toEqual(['#:.', '@-.'])
  })

  it('puts neighbours together where a line is too short, and lines columns up', () => {
    expect(binned([1, 2, 3, 4, 5], 3)).toEqual([[1, 2], [3, 4], [5]])
    expect(table([['a', 'b'], ['long', '1']])).toEqual(['a     b', 'long  1'])
  })
})

describe('--out', () => {
  it('writes .npy and .safetensors, and refuses anything else before computing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ldyn-kernel-'))
    const matrices = [{ name: 'gram', shape: [1, 2], data: Float64Array.of(1, 2) }]
    const npy = await saveMatrices(join(folder, 'a', 'g.npy'), 'gram', matrices, {})
    expect(readFileSync(npy).subarray(1, 6).toString()).toBe('NUMPY')
    const file = await saveMatrices(join(folder, 'g.safetensors'), 'gram', matrices, { model: 'm', n: 2 })
    expect(readFileSync(file).toString()).toContain('"model":"m"')
    await expect(checkOut(join(folder, 'g.txt'))).rejects.toMatchObject({ code: 'LD2003' })
    writeFileSync(join(folder, 'run.json'), '{}')
    await checkOut(folder)
    expect(await saveMatrices(folder, 'gram', matrices, {})).toBe(join(folder, 'kernel', 'gram.safetensors'))
  })
})
