import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { leaves, type HostTensor, type Tree } from '@ldyn/tensor'
import { buildModel, initParams, type ModelConfig } from '../src/index.ts'
import { openModel, saveModel } from '../src/node/index.ts'
import { golden, logProbs, packed, parametersTree, relativeError } from './evaluating.ts'

let dir: string
beforeAll(async () => { dir = await mkdtemp(join(tmpdir(), 'ldyn-models-')) })
afterAll(() => rm(dir, { recursive: true }))

const bases = ['gpt2', 'gpt-neox', 'gpt-neox-sequential', 'llama', 'llama-untied', 'llama-head-dim', 'qwen2']
const decoder = {
  vocab: 40, width: 16, context: 32, layers: 2, heads: 4, kvHeads: 2, headDim: 4, inner: 24, eps: 1e-5, tied: true,
  activation: 'silu',
} as const
/** What the goldens do not have: biases everywhere, rotary scalings, scaling of scores by layer. */
const others: Readonly<Record<string, ModelConfig>> = {
  'llama-biases': { family: 'llama', ...decoder, attentionBias: true, mlpBias: true, rotary: { base: 500, dims: 4 } },
  'llama3-scaling': {
    family: 'llama', ...decoder, tied: false, headDim: 8, attentionBias: false, mlpBias: false,
    rotary: {
      base: 10000, dims: 8,
      scaling: { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 16 },
    },
  },
  'linear-scaling': {
    family: 'qwen2', ...decoder, rotary: { base: 10000, dims: 4, scaling: { type: 'linear', factor: 4 } },
  },
  'gpt2-by-layer': {
    family: 'gpt2', vocab: 40, width: 16, context: 32, layers: 3, heads: 2, inner: 48, eps: 1e-5, tied: true,
    activation: 'gelu', scaleScores: true, scaleByLayer: true,
  },
}

/** Large enough that predictions are far from uniform, biases and norms included. */
const spread = (params: Tree<HostTensor>): Tree<HostTensor> => {
  for (const { value } of leaves(params)) {
    const { data, shape } = value
    data.forEach((x, i) => { data[i] = shape.length === 1 ? x + 0.2 * Math.sin(i + data.length) : 15 * x })
  }
  return params
}

describe.each(bases)('%s', (name) => {
  it('saved and opened again has the same config and the same numbers', async () => {
    await using first = await openModel(join(golden, 'models', name))
    const target = join(dir, name)
    await saveModel(target, { model: first.model, params: first.tensor, special: first.special })
    await using again = await openModel(target)
    expect(again.model.config).toEqual(first.model.config)
    expect(again.special).toEqual(first.special)
    expect(await parametersTree(again)).toEqual(await parametersTree(first))
    expect(again.hash).not.toBe(first.hash)
  })
})

describe('transformers', () => {
  const python = process.env.LDYN_PYTHON ?? 'python3'
  const has = spawnSync(python, ['-c', 'import torch, transformers']).status === 0
  if (!has) console.warn(`skipped: ${python} has no torch and transformers (set LDYN_PYTHON)`)

  it.skipIf(!has)('loads what was saved to the same log-probs', { timeout: 300_000 }, async () => {
    const row = packed([3, 7, 11, 20, 5], [[9, 30, 2, 17, 8, 4, 33, 1]])
    const ours: Record<string, Float64Array> = {}
    const save = async (name: string, model: ModelConfig, dtype: 'F32' | 'BF16' | 'F16' = 'F32') => {
      const built = buildModel(model)
      const target = join(dir, `t-${name}`)
      await saveModel(target, { model: built, params: spread(initParams(built, 5)), dtype, overwrite: true })
      await using saved = await openModel(target)
      ours[target] = logProbs(saved.model, await parametersTree(saved), row)
    }
    for (const [name, config] of Object.entries(others)) await save(name, config)
    for (const name of bases) {
      await using base = await openModel(join(golden, 'models', name))
      await save(name, base.model.config)
    }
    await save('bf16', others['llama-biases'], 'BF16')
    await save('f16', others['linear-scaling'], 'F16')
    const script = fileURLToPath(new URL('log_probs.py', import.meta.url))
    const input = JSON.stringify({ tokens: row.tokens, from: 5, directories: Object.keys(ours) })
    const run = spawnSync(python, [script], { input, encoding: 'utf8', maxBuffer: 1e8 })
    expect(run.status, run.stderr).toBe(0)
    const theirs = JSON.parse(run.stdout) as Record<string, number[]>
    // transformers keeps its rotary tables and norms in float32.
    for (const [target, logp] of Object.entries(ours)) {
      expect(relativeError(logp, theirs[target]), target).toBeLessThan(2e-6)
    }
  })
})

describe('a directory', () => {
  const model = buildModel(others['llama-biases'])
  const params = initParams(model, 1)

  it('that is there is not overwritten unasked', async () => {
    const target = join(dir, 'there')
    await saveModel(target, { model, params })
    await expect(saveModel(target, { model, params })).rejects.toThrow('already a full directory at this path')
    await saveModel(target, { model, params: initParams(model, 2), overwrite: true, tokenizerFiles: { 'tokenizer.json': '{}' } })
    expect((await readdir(target)).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json'])
    expect((await readdir(dir)).filter((name) => name.includes('.tmp'))).toEqual([])
  })

  it('never takes the place of a file', async () => {
    const target = join(dir, 'a-file')
    await writeFile(target, 'precious')
    await expect(saveModel(target, { model, params, overwrite: true })).rejects.toThrow('already a file at this path')
    expect(await readFile(target, 'utf8')).toBe('precious')
  })

  it('is not left half-written, and the old one stays', async () => {
    const target = join(dir, 'half')
    await saveModel(target, { model, params })
    const before = await readFile(join(target, 'model.safetensors'))
    const failing = (path: string): HostTensor => {
      if (path === 'norm.w') throw new Error('the device is gone')
      return leaves(params).find((leaf) => leaf.path === path)!.value
    }
    await expect(saveModel(target, { model, params: failing, overwrite: true })).rejects.toThrow('the device is gone')
    expect(await readFile(join(target, 'model.safetensors'))).toEqual(before)
    expect((await readdir(dir)).filter((name) => name.includes('.tmp'))).toEqual([])
  })

  it('refuses parameters of another shape, by their path', async () => {
    const wrong = { ...(params as object), embed: { shape: [3, 3], dtype: 'f32', data: new Float32Array(9) } } as Tree<HostTensor>
    await expect(saveModel(join(dir, 'wrong'), { model, params: wrong })).rejects.toThrow('parameter embed): it is f32[3,3]')
  })
})
