import { cp, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSafetensorsFile, writeSafetensorsFile } from '@ldyn/formats/node'
import { openModel } from '../src/node/index.ts'
import { golden } from './evaluating.ts'

let dir: string
beforeAll(async () => { dir = await mkdtemp(join(tmpdir(), 'ldyn-open-')) })
afterAll(() => rm(dir, { recursive: true }))

let made = 0
/** A copy of a golden directory, changed. */
async function changed(name: string, change: (path: string) => Promise<unknown>): Promise<string> {
  const path = join(dir, `${name}-${made++}`)
  await cp(join(golden, 'models', name), path, { recursive: true })
  await change(path)
  return path
}

const config = (edit: (json: Record<string, unknown>) => void) => async (path: string) => {
  const json = JSON.parse(await readFile(join(path, 'config.json'), 'utf8')) as Record<string, unknown>
  edit(json)
  await writeFile(join(path, 'config.json'), JSON.stringify(json))
}

/** The weights written again with other names, shapes or without some; undefined drops a tensor. */
const weights = (rename: (name: string) => string | undefined) => async (path: string) => {
  const at = join(path, 'model.safetensors')
  await using file = await openSafetensorsFile(at)
  const tensors = await Promise.all([...file.tensors].map(async ([name, { shape }]) => ({ name: rename(name), shape, dtype: 'F32' as const, data: await file.readF32(name) })))
  await writeSafetensorsFile(at, tensors.filter((t): t is typeof t & { name: string } => t.name !== undefined))
}

describe('what is not a model is an error that says so, with its path', () => {
  it.each([
    ['nothing', 'there is nothing at this path', async (path: string) => rm(path, { recursive: true })],
    ['no config', 'the directory has no config.json', (path: string) => rm(join(path, 'config.json'))],
    ['no weights', 'neither model.safetensors nor', (path: string) => rm(join(path, 'model.safetensors'))],
    ['a config that is a git-LFS pointer', 'it is a git-LFS pointer', (path: string) => writeFile(join(path, 'config.json'), 'version https://git-lfs.github.com/spec/v1\n')],
    ['a config that is a web page', 'it is an HTML page', (path: string) => writeFile(join(path, 'config.json'), '<!DOCTYPE html><html>')],
    ['a config that is not JSON', 'it is not a JSON object', (path: string) => writeFile(join(path, 'config.json'), '{"a": ')],
    ['a config that is a list', 'it is not a JSON object', (path: string) => writeFile(join(path, 'config.json'), '[]')],
    ['an empty config', 'it is empty', (path: string) => writeFile(join(path, 'config.json'), '')],
    ['weights that are a git-LFS pointer', 'it is a git-LFS pointer', (path: string) => writeFile(join(path, 'model.safetensors'), 'version https://git-lfs.github.com/spec/v1\n')],
    ['weights that are a web page', 'it is an HTML page', (path: string) => writeFile(join(path, 'model.safetensors'), '<!DOCTYPE html><html>')],
    ['truncated weights', 'copy or download', (path: string) => truncate(join(path, 'model.safetensors'), 40000)],
  ])('%s', async (_, why, change) => {
    const path = await changed('llama', change)
    await expect(openModel(path)).rejects.toThrow(new RegExp(`${path}.*${why}`, 'si'))
  })

  it('a file that is no GGUF', async () => {
    const path = join(dir, 'model.txt')
    await writeFile(path, 'x')
    await expect(openModel(path)).rejects.toThrow('it is a file, and not a .gguf')
    await writeFile(`${path}.gguf`, 'version https://git-lfs.github.com/spec/v1\n')
    await expect(openModel(`${path}.gguf`)).rejects.toThrow('it is a git-LFS pointer')
  })

  it('a directory with several GGUF files', async () => {
    const path = join(dir, 'ggufs')
    await mkdir(path)
    await writeFile(join(path, 'a.gguf'), '')
    await writeFile(join(path, 'b.gguf'), '')
    await expect(openModel(path)).rejects.toThrow('it holds 2 GGUF files. Give one of them')
  })
})

describe('a config', () => {
  it.each([
    ['of an unknown architecture', 'architecture is "mamba". Known are gpt2, gpt_neox, llama, qwen2', config((c) => { c.model_type = 'mamba' })],
    ['without a key', 'key "hidden_size"): the key is missing', config((c) => { delete c.hidden_size })],
    ['with a misspelt key', 'check whether "hiden_size" is meant', config((c) => { c.hiden_size = c.hidden_size; delete c.hidden_size })],
    ['with a size that is no number', 'its value is "32", which is not a whole number above 0', config((c) => { c.hidden_size = '32' })],
    ['with an unknown activation', '"mish" is not supported. Supported are gelu', config((c) => { c.hidden_act = 'mish' })],
    ['with an unknown rotary scaling', 'rotary scaling "yarn" is not supported', config((c) => { c.rope_parameters = { rope_type: 'yarn', factor: 4, rope_theta: 1 } })],
    ['with the old key of a rotary scaling', 'rotary scaling "dynamic" is not supported', config((c) => { delete c.rope_parameters; c.rope_scaling = { type: 'dynamic', factor: 2 } })],
    ['of a quantised model', 'key "quantization_config"', config((c) => { c.quantization_config = { quant_method: 'gptq' } })],
    ['whose heads do not fit', 'the number of heads (4) is no multiple of 3', config((c) => { c.num_key_value_heads = 3 })],
  ])('%s is an error', async (_, why, change) => {
    await expect(openModel(await changed('llama', change))).rejects.toThrow(why)
  })

  it('with a sliding window that cuts into the context is refused; one that does not is read', async () => {
    const window = (size: number) => config((c) => {
      Object.assign(c, { use_sliding_window: true, sliding_window: size, max_window_layers: 0 })
    })
    await expect(openModel(await changed('qwen2', window(16)))).rejects.toThrow('some layers see only the last 16 tokens, and the context is 64')
    await using fits = await openModel(await changed('qwen2', window(64)))
    expect(fits.model.context).toBe(64)
  })

  it('of either dialect and with llama3 scaling is read alike', async () => {
    const scaling = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 32 }
    await using old = await openModel(await changed('llama-config4', config((c) => { c.rope_scaling = { rope_type: 'llama3', ...scaling } })))
    await using modern = await openModel(await changed('llama', config((c) => { c.rope_parameters = { rope_type: 'llama3', rope_theta: 1234.5, ...scaling } })))
    expect(old.model.config).toEqual(modern.model.config)
    expect(old.model.config).toMatchObject({ rotary: { scaling: { type: 'llama3', originalContext: 32 } } })
  })
})

describe('tensors', () => {
  it('that are missing are listed, five at most, with the nearest that is there', async () => {
    const path = await changed('llama', weights((name) => name.replace('q_proj', 'query')))
    await expect(openModel(path)).rejects.toThrow('2 of 20 tensors are missing: model.layers.0.self_attn.q_proj.weight, '
      + 'model.layers.1.self_attn.q_proj.weight. The nearest that it does have is model.layers.0.self_attn.query.weight')
    const many = await changed('llama', weights((name) => (name.includes('layers.1') ? undefined : name)))
    await expect(openModel(many)).rejects.toThrow(/9 of 20 tensors are missing: (\S+, ){4}\S+ and 4 more/)
  })

  it('that have no place in the model are listed', async () => {
    const path = await changed('llama', async (at) => {
      await config((c) => { c.num_hidden_layers = 1 })(at)
    })
    await expect(openModel(path)).rejects.toThrow('9 tensors have no place in this model: model.layers.1.')
  })

  it('of another shape than the config says are named with both', async () => {
    const path = await changed('llama', config((c) => { c.intermediate_size = 48 }))
    await expect(openModel(path)).rejects.toThrow('tensor model.layers.0.mlp.gate_proj.weight): its shape is [64, 32] where the config asks for [48, 32]')
  })

  it('of a tied head may be stored beside the embedding', async () => {
    const path = await changed('llama', async (at) => {
      const file = join(at, 'model.safetensors')
      await using source = await openSafetensorsFile(file)
      const tensors = await Promise.all([...source.tensors].map(async ([name, { shape }]) => ({ name, shape, dtype: 'F32' as const, data: await source.readF32(name) })))
      const embed = tensors.find(({ name }) => name === 'model.embed_tokens.weight')!
      await writeSafetensorsFile(file, [...tensors, { ...embed, name: 'lm_head.weight' }])
    })
    await using checkpoint = await openModel(path)
    expect(checkpoint.model.tied).toBe(true)
  })
})

describe('the hash', () => {
  it('stays while the files do and changes with a weight or the config', async () => {
    const hashOf = async (path: string) => {
      await using checkpoint = await openModel(path)
      return checkpoint.hash
    }
    const same = await hashOf(join(golden, 'models/llama'))
    expect(await hashOf(await changed('llama', async () => {}))).toBe(same)
    expect(await hashOf(await changed('llama', config((c) => { c.rms_norm_eps = 1e-6 })))).not.toBe(same)
    expect(await hashOf(await changed('llama', async (at) => {
      const bytes = await readFile(join(at, 'model.safetensors'))
      bytes[bytes.length - 5] ^= 1
      await writeFile(join(at, 'model.safetensors'), bytes)
    }))).not.toBe(same)
  })
})

it('a directory without a tokenizer opens, and says what to do when the tokenizer is asked for', async () => {
  await using checkpoint = await openModel(join(golden, 'models/llama'))
  await expect(checkpoint.tokenizer()).rejects.toThrow('there is no tokenizer.json. Write one with transformers')
})

it('the tokenizer of a directory is read with its template', async () => {
  await using checkpoint = await openModel(join(golden, 'trl/model'))
  const tokenizer = await checkpoint.tokenizer()
  const text = tokenizer.chatTemplate!.apply([{ role: 'user', content: 'hi' }, { role: 'assistant', content: 'yo' }])
  expect(text).toBe('<|user|>hi<|assistant|>yo</s>')
  expect(tokenizer.encode(text).at(-1)).toBe(tokenizer.eos)
  expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
})
