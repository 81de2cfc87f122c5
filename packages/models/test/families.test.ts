import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { leaves, type HostTensor } from '@ldyn/tensor'
import { openModel } from '../src/node/index.ts'
import { golden, logProbs, packed, parametersTree, relativeError } from './evaluating.ts'

interface Golden {
  readonly models: Readonly<Record<string, {
    readonly rows: readonly {
      readonly prompt: readonly number[]
      readonly responses: readonly (readonly number[])[]
      readonly metrics: readonly { readonly tokens: { readonly logp: readonly number[] } }[]
    }[]
  }>>
}
const { models } = JSON.parse(readFileSync(join(golden, 'metrics.json'), 'utf8')) as Golden

describe.each(Object.entries(models))('%s', (name, { rows }) => {
  it('gives PyTorch\'s log-probs in true float64 to 1e-9, prompt and responses packed in one row', async () => {
    await using checkpoint = await openModel(join(golden, 'models', name))
    const params = await parametersTree(checkpoint)
    for (const { prompt, responses, metrics } of rows) {
      const got = logProbs(checkpoint.model, params, packed(prompt, responses))
      expect(relativeError(got, metrics.flatMap(({ tokens }) => tokens.logp))).toBeLessThan(1e-9)
    }
  })

  it('gives a packed row what its sequences give alone', async () => {
    await using checkpoint = await openModel(join(golden, 'models', name))
    const params = await parametersTree(checkpoint)
    const [{ prompt, responses }] = rows
    const alone = responses.flatMap((response) => [...logProbs(checkpoint.model, params, packed(prompt, [response]))])
    expect(relativeError(logProbs(checkpoint.model, params, packed(prompt, responses)), alone)).toBeLessThan(1e-13)
  })

  it('is the same with rematerialised layers', async () => {
    const path = join(golden, 'models', name)
    await using plain = await openModel(path)
    await using saving = await openModel(path, { checkpoint: true })
    const params = await parametersTree(plain)
    const row = packed(rows[0].prompt, rows[0].responses)
    expect(logProbs(saving.model, params, row)).toEqual(logProbs(plain.model, params, row))
  })
})

it('lists parameters in the tree\'s order, and gives each one alone as in the whole', async () => {
  await using checkpoint = await openModel(join(golden, 'models/gpt-neox'))
  const listed: string[] = []
  for await (const { path, tensor } of checkpoint.tensors()) {
    listed.push(path)
    expect((await checkpoint.tensor(path)).data).toEqual(tensor.data)
  }
  expect(listed).toEqual(leaves(checkpoint.model.params).map(({ path }) => path))
  await expect(checkpoint.tensor('layers.0.atn.qkv.w')).rejects.toThrow('nearest is \'layers.0.attn.qkv.w\'')
})

it('turns Hugging Face\'s [out, in] into [in, out], and leaves GPT-2\'s Conv1D as it is', async () => {
  await using neox = await openModel(join(golden, 'models/gpt-neox'))
  const { shape }: HostTensor = await neox.tensor('layers.0.mlp.up.w')
  expect(shape).toEqual([32, 64])
  await using gpt2 = await openModel(join(golden, 'models/gpt2'))
  expect((await gpt2.tensor('layers.0.mlp.up.w')).shape).toEqual([32, 128])
})
