/**
 * Checkpoints of a run: `checkpoints/000040-sft/` is a Hugging Face directory that transformers loads (f32, so that
 * going on from it gives the very numbers that going on without it gives), with the optimizer's state beside it.
 * `checkpoint.json` is written last: a directory without it was cut short and does not count.
 */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openSafetensorsFile, writeAtomically, writeSafetensorsFile } from '@ldyn/formats/node'
import type { LanguageModel, Tokenizer } from '@ldyn/models'
import { openModel, saveModel, type Checkpoint } from '@ldyn/models/node'
import {
  hostTensor,
  leaves,
  unflatten,
  type Backend,
  type DeviceTensor,
  type Leaf,
  type Spec,
  type Tree,
} from '@ldyn/tensor'
import { DataError } from '../rows/row.ts'
import type { DeviceTree } from '../device/trees.ts'
import { uploadAll } from '../device/trees.ts'
import type { Kept } from './keeping.ts'
import type { ReferenceLogps } from './reference.ts'
import type { Weights } from './update.ts'

const SCHEMA = 'ldyn.checkpoint/1'
const STATE_FILE = 'optimizer.safetensors'

export interface SavedCheckpoint extends Kept {
  readonly directory: string
}

export interface SaveRequest extends Kept {
  readonly run: string
  readonly stageName: string
  readonly backend: Backend
  readonly model: LanguageModel
  readonly source: Pick<Checkpoint, 'special'>
  readonly tokenizer: Tokenizer
  readonly weights: Weights
}

const folder = (run: string): string => join(run, 'checkpoints')
const f32Array = (data: ArrayLike<number>): Float32Array =>
  data instanceof Float32Array ? data : Float32Array.from(data)

/** Writes a checkpoint; returns its directory. Throws ModelError or FormatError (disk full, not writable). */
export async function saveCheckpoint(request: SaveRequest): Promise<SavedCheckpoint> {
  const { backend, model, weights, step, stage, update, stageEnd } = request
  const directory = join(folder(request.run), `${String(step).padStart(6, '0')}-${request.stageName}`)
  const params = new Map(leaves(weights.params).map(({ path, value }) => [path, value]))
  const tokenizerFiles = request.tokenizer.files
  await saveModel(directory, {
    model,
    params: (path) => backend.read(params.get(path)!),
    tokenizerFiles,
    special: request.source.special,
    overwrite: true,
  })
  const state = leaves(weights.state).map(({ path, value }) => ({
    name: path,
    shape: value.shape,
    dtype: 'F32' as const,
    data: async () => f32Array((await backend.read(value)).data),
  }))
  await writeSafetensorsFile(join(directory, STATE_FILE), state)
  const position = { schema: SCHEMA, step, stage, update, stageEnd }
  await writeAtomically(join(directory, 'checkpoint.json'), (sink) =>
    sink.write(new TextEncoder().encode(`${JSON.stringify(position)}\n`)),
  )
  return { directory, step, stage, update, stageEnd }
}

/** All whole checkpoints of a run, oldest first. */
export async function listCheckpoints(run: string): Promise<SavedCheckpoint[]> {
  const names = await readdir(folder(run)).catch(() => [] as string[])
  const found: SavedCheckpoint[] = []
  for (const name of names) {
    const directory = join(folder(run), name)
    const checkpoint = await checkpointAt(directory)
    if (checkpoint) found.push(checkpoint)
  }
  return found.sort((a, b) => a.step - b.step)
}

/** The checkpoint in a directory; undefined where there is none, or one that was cut short. */
export async function checkpointAt(directory: string): Promise<SavedCheckpoint | undefined> {
  const text = await readFile(join(directory, 'checkpoint.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const { schema, step, stage, update, stageEnd } = JSON.parse(text) as SavedCheckpoint & { schema: string }
  return schema === SCHEMA ? { directory, step, stage, update, stageEnd } : undefined
}

/** Removes what was cut short, and all but the newest `keep` checkpoints that do not end a stage. */
export async function tidyCheckpoints(run: string, keep: number): Promise<void> {
  const whole = await listCheckpoints(run)
  const middle = whole.filter((c) => !c.stageEnd)
  const names = await readdir(folder(run)).catch(() => [] as string[])
  const torn = names
    .map((name) => join(folder(run), name))
    .filter((directory) => !whole.some((c) => c.directory === directory))
  for (const directory of [
    ...torn,
    ...middle.slice(0, Math.max(0, middle.length - keep)).map((c) => c.directory),
  ])
    await rm(directory, { recursive: true, force: true })
}

/** The weights of a checkpoint on the backend. Throws ModelError, FormatError, DataError (another model's). */
export async function loadCheckpoint(
  backend: Backend,
  { directory }: SavedCheckpoint,
  model: LanguageModel,
): Promise<Weights> {
  await using source = await openModel(directory)
  if (JSON.stringify(source.model.params) !== JSON.stringify(model.params)) {
    throw new DataError('the checkpoint is of another model', {
      where: directory,
      why: 'its parameters differ in name or shape',
      fix: 'resume with the model that the run was started with',
    })
  }
  const params = await uploadAll(backend, source.tensors())
  return { params, state: await loadOptimizerState(backend, directory) }
}

/**
 * The optimizer's state of a checkpoint on the backend. With `wanted` (StageRunner.stateSpecs) it throws DataError
 * where it is the state of another optimizer, or of another model's.
 */
export async function loadOptimizerState(
  backend: Backend,
  directory: string,
  wanted?: Tree<Spec>,
): Promise<DeviceTree> {
  await using file = await openSafetensorsFile(join(directory, STATE_FILE))
  const found = new Map([...file.tensors].map(([name, { shape }]) => [name, shape.join('×')]))
  const missing = leaves(wanted ?? {}).find(({ path, value }) => found.get(path) !== value.shape.join('×'))
  if (missing || (wanted && leaves(wanted).length !== found.size)) {
    const kept = new Set([...found.keys()].map((name) => name.split('.')[0]))
    const lacks = missing ? `, and no ${missing.path} of ${missing.value.shape.join('×')}` : ''
    throw new DataError('the checkpoint keeps the state of another optimizer', {
      where: join(directory, STATE_FILE),
      why: `it holds ${kept.size === 0 ? 'nothing' : [...kept].join(', ')}${lacks}`,
      fix: 'name the optimizer, its momentum and its options as the run that kept it had them',
    })
  }
  const entries: Leaf<DeviceTensor>[] = []
  for (const [name, { shape }] of file.tensors)
    entries.push({ path: name, value: await backend.upload(hostTensor(await file.readF32(name), shape)) })
  return unflatten(entries)
}

const referencePath = (run: string, stageName: string): string =>
  join(run, 'reference', `${stageName}.safetensors`)

/** Keeps a stage's reference log-probs, so that a resumed run measures against the very same numbers. */
export async function saveReference(
  run: string,
  stageName: string,
  reference: ReferenceLogps,
): Promise<void> {
  const tensors = [...reference].flatMap(([example, sequences]) =>
    sequences.map((data, s) => ({
      name: `${example}.${s}`,
      shape: [data.length],
      dtype: 'F32' as const,
      data: async () => f32Array(data),
    })),
  )
  await writeSafetensorsFile(referencePath(run, stageName), tensors)
}

/** What `saveReference` kept; undefined where it did not come to that. */
export async function loadReference(run: string, stageName: string): Promise<ReferenceLogps | undefined> {
  const names = await readdir(join(run, 'reference')).catch(() => [] as string[])
  if (!names.includes(`${stageName}.safetensors`)) return undefined
  await using file = await openSafetensorsFile(referencePath(run, stageName))
  const found = new Map<number, Float32Array[]>()
  for (const name of file.tensors.keys()) {
    const [example, s] = name.split('.').map(Number)
    const list = found.get(example) ?? []
    list[s] = await file.readF32(name)
    found.set(example, list)
  }
  return found
}
