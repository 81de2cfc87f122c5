/**
 * Every backend on the same models: four families evaluate a packed probe set, take an SFT and a DPO update, and move
 * their log-probs along a direction; all as the float64 reference does (contracts.md §5: 1e-4 for f32).
 */
import { logProbProgram } from '@ldyn/core'
import {
  compareGradients, compareMeasurements, fill, measureUpdate, pack, type EncodedRow, type LossConfig, type Measurement,
  type SameUpdate, type StageConfig,
} from '@ldyn/lab'
import type { Checkpoint } from '@ldyn/models/node'
import {
  jvp, leaves, type Backend, type DeviceTensor, type HostArray, type RunInput, type Tree,
} from '@ldyn/tensor'
import { referenceBackend } from '@ldyn/tensor/reference'
import { describe, expect, it } from 'vitest'
import { golden, goldenModel, idRow, paramsOf, sequence } from './support/golden.ts'
import { engines } from './support/engines.ts'

const FAMILIES = ['gpt2', 'gpt-neox', 'llama', 'qwen2'] as const
const TOLERANCE = 1e-4

const { models } = golden<{ models: Record<string, { rows: { prompt: number[]; responses: number[][] }[] }> }>('metrics.json')
const LOSSES: readonly LossConfig[] = [
  { name: 'sft', reduction: 'sum' },
  { name: 'dpo', beta: 0.1, labelSmoothing: 0, referenceFree: false },
]

const rowsOf = (family: string): EncodedRow[] =>
  models[family].rows.slice(0, 2).map(({ prompt, responses }, row) => ({
    row: idRow(row),
    sequences: responses.map((ids, r) => sequence(['chosen', 'rejected'][r] ?? `other ${r}`, prompt, ids)),
  }))

function updateOf(family: string, checkpoint: Checkpoint, loss: LossConfig): SameUpdate {
  const probes = rowsOf(family)
  const wanted = loss.name === 'sft' ? ['chosen'] : ['chosen', 'rejected']
  const stage: StageConfig = {
    name: loss.name, loss, targets: ['chosen'], updates: 1, batch: 2, accumulate: 1, lr: 1e-2,
    schedule: { name: 'constant', warmup: 0 }, optimizer: { name: 'sgd', momentum: 0.9, weightDecay: 0 },
    maxGradNorm: 1, shuffle: false, dropLast: false,
  }
  const examples = probes.map(({ sequences }, row) => ({
    row, sequences: wanted.map((type) => sequences.find((s) => s.type === type)!),
  }))
  return { model: checkpoint.model, probes, stage, examples, gradients: true }
}

const measured = async (backend: Backend, checkpoint: Checkpoint, setup: SameUpdate): Promise<Measurement> =>
  measureUpdate(backend, await paramsOf(backend, checkpoint), setup)

/** log π of every token, and its change along the parameters themselves: d/dε log π(θ + ε·θ). */
async function alongItself(backend: Backend, family: string, checkpoint: Checkpoint): Promise<HostArray[]> {
  const packing = pack(rowsOf(family).flatMap(({ sequences }) => sequences))
  const program = jvp(logProbProgram(checkpoint.model, packing.shape), { wrt: 'params' })
  const params = await paramsOf(backend, checkpoint)
  using executable = await backend.compile(program)
  const inputs: Tree<RunInput> = { params, tangent: { params }, batch: { ...fill(packing, packing.shape) } }
  const out = await executable.run(inputs)
  const read: HostArray[] = []
  for (const { value } of leaves(out as Tree<DeviceTensor>)) {
    read.push((await backend.read(value)).data)
    value.dispose()
  }
  for (const { value } of leaves(params)) value.dispose()
  return read
}

for (const { name, create, missing } of await engines()) describe.skipIf(missing)(name, () => {
  describe.each(FAMILIES)('%s', (family) => {
    it.each(LOSSES)('evaluates and takes an update of $name as float64 does', async (loss) => {
      await using backend = await create()
      await using reference = referenceBackend()
      await using checkpoint = await goldenModel(family)
      const setup = updateOf(family, checkpoint, loss)
      const [got, want] = [await measured(backend, checkpoint, setup), await measured(reference, checkpoint, setup)]
      const off = compareMeasurements(got, want).filter(({ deviation }) => !(deviation <= TOLERANCE))
      expect(off).toEqual([])
      const gradients = compareGradients(got, want).filter(({ norm }) => norm > 1e-6)
      expect(gradients.filter(({ deviation }) => !(deviation <= TOLERANCE))).toEqual([])
      expect(backend.memory().tensors).toBe(0)
    })
    it('moves log π along a direction as float64 does', async () => {
      await using backend = await create()
      await using reference = referenceBackend()
      await using checkpoint = await goldenModel(family)
      const [got, want] = [
        await alongItself(backend, family, checkpoint), await alongItself(reference, family, checkpoint),
      ]
      want.forEach((values, k) => {
        const largest = Math.max(...Array.from(values, Math.abs))
        values.forEach((v, i) => expect(Math.abs(got[k][i] - v), `${k}, ${i}`).toBeLessThanOrEqual(TOLERANCE * largest))
      })
    })
  })
})
