/** What a checkpoint is, without reading a weight: `ldyn model show`. */
import { openModel, type Checkpoint } from '@ldyn/models/node'
import { leaves, sizeOf } from '@ldyn/tensor'
import { explain } from '../contract/errors.ts'
import type { Output } from '../contract/output.ts'

export interface TokenizerDescription {
  readonly vocab: number
  readonly bos?: number
  readonly eos?: number
  readonly pad?: number
  readonly addsBos: boolean
  readonly chatTemplate: boolean
}

export interface ModelDescription {
  readonly name: string
  readonly path: string
  readonly format: string
  readonly family: string
  readonly hash: string
  /** Numbers in the model; a tied head counts once. */
  readonly params: number
  /** Storage types of the weights on file, and tensors of each. */
  readonly dtypes: Checkpoint['dtypes']
  readonly config: Checkpoint['model']['config']
  readonly tied: boolean
  /** Or the sentence that says why there is none. */
  readonly tokenizer: TokenizerDescription | { readonly why: string }
  readonly parameters: readonly {
    readonly path: string
    readonly shape: readonly number[]
    readonly count: number
  }[]
}

/** Throws ModelError or FormatError where there is no model that can be read; a missing tokenizer is only told. */
export async function describeModel(path: string): Promise<ModelDescription> {
  await using checkpoint = await openModel(path)
  const { name, format, model, hash, dtypes } = checkpoint
  const parameters = leaves(model.params).map((leaf) => ({
    path: leaf.path,
    shape: leaf.value.shape,
    count: sizeOf(leaf.value.shape),
  }))
  return {
    name,
    path: checkpoint.path,
    format,
    family: model.family,
    hash,
    params: parameters.reduce((n, { count }) => n + count, 0),
    dtypes,
    config: model.config,
    tied: model.tied,
    tokenizer: await describeTokenizer(checkpoint),
    parameters,
  }
}

async function describeTokenizer(checkpoint: Checkpoint): Promise<ModelDescription['tokenizer']> {
  try {
    const { vocabSize, bos, eos, pad, addsBos, chatTemplate } = await checkpoint.tokenizer()
    return { vocab: vocabSize, bos, eos, pad, addsBos, chatTemplate: chatTemplate !== undefined }
  } catch (error) {
    const known = explain(error)
    if (!known) throw error
    return { why: known.why || known.what }
  }
}

/** `12.3 M`, `1.10 B`. */
const amount = (n: number): string =>
  n >= 1e9 ? `${(n / 1e9).toFixed(2)} B` : n >= 1e6 ? `${(n / 1e6).toFixed(1)} M` : String(n)

export function renderModel(d: ModelDescription, output: Output): string {
  const { tokenizer, config } = d
  const special =
    'why' in tokenizer
      ? []
      : (['bos', 'eos', 'pad'] as const).flatMap((key) =>
          tokenizer[key] === undefined ? [] : [`${key} ${tokenizer[key]}`],
        )
  const kv = 'kvHeads' in config && config.kvHeads !== config.heads ? ` (${config.kvHeads} for keys)` : ''
  const facts: [string, string][] = [
    ['model', `${d.name}   ${d.family}, ${d.format}   ${d.path}`],
    ['params', `${amount(d.params)} (${d.params})   stored as ${[...d.dtypes].join(', ')}`],
    [
      'shape',
      `${config.layers} layers, width ${config.width}, ${config.heads} heads${kv}, MLP ${config.inner}`,
    ],
    [
      'vocab',
      `${config.vocab}   context ${config.context}   head ${d.tied ? 'tied to the embedding' : 'of its own'}`,
    ],
    [
      'tokens',
      'why' in tokenizer
        ? `no tokenizer: ${tokenizer.why}`
        : [
            `${tokenizer.vocab} entries`,
            ...special,
            tokenizer.addsBos ? 'adds BOS' : 'adds no BOS',
            tokenizer.chatTemplate ? 'chat template' : 'no chat template',
          ].join(', '),
    ],
    ['hash', d.hash],
  ]
  const [paths, shapes] = [
    d.parameters.map((p) => p.path),
    d.parameters.map((p) => `[${p.shape.join(', ')}]`),
  ]
  const [wide, broad] = [Math.max(...paths.map((s) => s.length)), Math.max(...shapes.map((s) => s.length))]
  const most = String(Math.max(...d.parameters.map((p) => p.count))).length
  return [
    ...facts.map(([name, text]) => `${output.style('dim', name.padEnd(7))} ${text}`),
    '',
    ...d.parameters.map(
      (p, i) => `${p.path.padEnd(wide)}  ${shapes[i].padEnd(broad)}  ${String(p.count).padStart(most)}`,
    ),
  ].join('\n')
}
