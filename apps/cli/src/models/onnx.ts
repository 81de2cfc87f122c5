/**
 * A model as an ONNX graph of one fixed shape (`ldyn model export --onnx`): its evaluation with the weights inside, or
 * a whole training step, whose weights and optimizer state are inputs and outputs.
 */
import { closeSync, existsSync, openSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import { toOnnx } from '@ldyn/backend-onnx'
import {
  adamw,
  dpo,
  evaluateProgram,
  hfDecay,
  ipo,
  rmsprop,
  sft,
  sgd,
  trainStep,
  type BatchShape,
} from '@ldyn/core'
import { writeAtomically } from '@ldyn/formats/node'
import { openModel, type Checkpoint } from '@ldyn/models/node'
import { leaves, sizeOf, unflatten, type HostTensor, type Leaf, type Program } from '@ldyn/tensor'
import { CliError } from '../contract/errors.ts'
import type { Reporter } from '../progress/reporter.ts'

export interface OnnxRequest {
  readonly path: string
  readonly onnx: string
  readonly force?: boolean
  readonly trainStep?: boolean
  readonly loss: 'sft' | 'dpo' | 'ipo'
  readonly optimizer: 'sgd' | 'rmsprop' | 'adamw'
  readonly rows: number
  readonly length: number
  readonly responses?: number
  readonly responseLength: number
  readonly progress: Reporter
}

export interface OnnxExported {
  readonly file: string
  /** Weights beside the graph, where they are too large for one file. */
  readonly data?: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
}

/** Larger weights go to a file of their own: a protobuf holds 2 GB. */
const INSIDE = 1.5 * 2 ** 30

/** Throws CliError where the file is there already, and what opening the model and writing throw. */
export async function exportOnnx(request: OnnxRequest): Promise<OnnxExported> {
  const { path, onnx, force = false, progress } = request
  if (!force && existsSync(onnx)) {
    throw new CliError({
      code: 'LD5005',
      what: 'there is a file already',
      where: onnx,
      fix: 'choose another, or replace it with --force',
    })
  }
  await using checkpoint = await openModel(path)
  const { model } = checkpoint
  const shape = shapeOf(request)
  const program = request.trainStep
    ? trainStep({
        model,
        shape,
        loss: losses[request.loss](),
        optimizer: optimizers[request.optimizer](),
        maxGradNorm: 1,
      })
    : evaluateProgram(model, shape)
  const weights = request.trainStep ? undefined : { params: await readAll(checkpoint, progress) }
  const bytes = 4 * leaves(model.params).reduce((n, { value }) => n + sizeOf(value.shape), 0)
  const data = weights && bytes > INSIDE ? `${onnx}.data` : undefined
  const docs = `${checkpoint.name} (${model.family}), ${request.trainStep ? `one ${request.loss} step` : 'response log-probs'}, made by ldyn`
  const file =
    data === undefined
      ? toOnnx(program, { name: checkpoint.name, docs, weights })
      : withData(data, (write) =>
          toOnnx(program, {
            name: checkpoint.name,
            docs,
            weights,
            external: { file: basename(data), write },
          }),
        )
  await writeAtomically(onnx, (sink) => sink.write(file))
  const baked = weights === undefined ? [] : leaves(weights).map((leaf: Leaf<HostTensor>) => leaf.path)
  return { file: onnx, data, ...portsOf(program, new Set(baked)) }
}

const losses = {
  sft: () => sft({ reduction: 'token-mean' }),
  dpo: () => dpo({ beta: 0.1 }),
  ipo: () => ipo({ beta: 0.1, reduction: 'mean' }),
} as const
const optimizers = {
  sgd: () => sgd({ momentum: 0.9, decay: hfDecay }),
  rmsprop: () => rmsprop({ decay: hfDecay }),
  adamw: () => adamw({ weightDecay: 0.01, decay: hfDecay }),
} as const

/** Throws CliError where pairs are asked for one response at a time. */
function shapeOf({
  trainStep: training,
  loss,
  rows,
  length,
  responses,
  responseLength,
}: OnnxRequest): BatchShape {
  const pairs = training === true && loss !== 'sft'
  const each = responses ?? (pairs ? 2 : 1)
  if (pairs && (rows * each) % 2 === 1) {
    throw new CliError({
      code: 'LD2003',
      what: `${loss} takes pairs`,
      where: '--responses',
      why: `${rows} rows of ${each} responses make an odd number`,
      fix: 'give --responses 2',
    })
  }
  const sequences = rows * each
  return { rows, length, reads: sequences * responseLength, sequences, tokens: responseLength }
}

async function readAll(
  checkpoint: Checkpoint,
  progress: Reporter,
): Promise<ReturnType<typeof unflatten<HostTensor>>> {
  const total = leaves(checkpoint.model.params).length
  const entries: Leaf<HostTensor>[] = []
  for await (const { path, tensor } of checkpoint.tensors()) {
    entries.push({ path, value: tensor })
    progress.update({ task: 'load', done: entries.length, total, unit: 'tensors' })
  }
  return unflatten(entries)
}

function withData(path: string, make: (write: (bytes: Uint8Array) => void) => Uint8Array): Uint8Array {
  const file = openSync(path, 'w')
  try {
    return make((bytes) => {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
    })
  } finally {
    closeSync(file)
  }
}

const portsOf = (
  { inputs, outputs }: Program,
  baked: ReadonlySet<string>,
): { inputs: string[]; outputs: string[] } => ({
  inputs: inputs.map(({ path }) => path).filter((path) => !baked.has(path)),
  outputs: outputs.map(({ path }) => path),
})
