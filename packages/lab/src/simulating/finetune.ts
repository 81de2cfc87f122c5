/**
 * Finetuning of a toy model in a toy world: SFT, extend or any loss of pairs, plain gradient descent, and every answer
 * of every context watched. The losses are those of real training; a response here is one token.
 */
import {
  argmaxOf,
  logSoftmaxOf,
  lossValue,
  massByRank,
  massReport,
  traceAs,
  type Loss,
  type RankBand,
} from '@ldyn/core'
import {
  f32,
  grad,
  i32,
  leaves,
  logSoftmax,
  mapTree,
  reshape,
  take,
  takeAlong,
  type Backend,
  type HostTensor,
  type Program,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'
import type { Json, Metric } from '@ldyn/runs'
import { Programs } from '../device/programs.ts'
import { lossOf, type LossConfig } from '../training/losses.ts'
import { mixSeed, orderUpdates } from '../training/order.ts'
import { metricsOfClass } from './distribution.ts'
import type { Frame, Simulation, Watched } from './record.ts'
import { exact, makeToyModel, paramCount, type ToyKind, type ToyModel } from './toy-model.ts'
import { makeWorld, WORLD_TYPES, type WorldContext, type WorldOptions, type WorldType } from './world.ts'

export interface ToyStage {
  readonly name: string
  readonly loss: LossConfig
  /** SFT: which answers are learned; ['chosen', 'rejected'] is extend. */
  readonly targets: readonly ('chosen' | 'rejected')[]
  readonly updates: number
  readonly lr: number
}

export interface FinetuneRequest extends WorldOptions {
  readonly kind: ToyKind
  readonly hidden: number
  readonly peak: number
  readonly stages: readonly ToyStage[]
  /** Contexts in an update. */
  readonly batch: number
  /** Evaluated after so many updates, and at the end of every stage. */
  readonly every: number
}

/** What a stage did, averaged over contexts. */
export interface StageOutcome {
  readonly name: string
  /** Change of log π by type, in nats. */
  readonly change: Readonly<Record<WorldType, number>>
  /** log π(y⁺) − log π(y⁻). */
  readonly margin: { readonly before: number; readonly after: number }
  /** Largest probability where y⁺ is answered, and where y⁻ is. */
  readonly peak: Readonly<Record<'chosen' | 'rejected', { readonly before: number; readonly after: number }>>
  /** In the contexts of y⁻: what y⁻ held, and the share of all gains that the largest other token got. */
  readonly pushed: { readonly before: number; readonly after: number; readonly starShare: number }
}

export interface FinetuneResult {
  readonly stages: readonly StageOutcome[]
  readonly simulation: Simulation
}

/** Throws RangeError for options out of range, and for a loss that needs more than pairs and a reference. */
export async function finetuneToy(backend: Backend, request: FinetuneRequest): Promise<FinetuneResult> {
  const { kind, stages, batch, every, seed, ...sizes } = request
  const world = makeWorld(request)
  const toy = makeToyModel(world, request)
  using programs = new Programs(backend)
  const run = new ToyRun(programs, world, toy)
  const watched = watchedIn(world)
  const frames: Frame[] = []
  const outcomes: StageOutcome[] = []
  let step = 0
  let now = await run.distributions()
  const frame = (stage: string, scalars?: Readonly<Record<string, number>>): Frame => ({
    step,
    stage,
    ...(scalars ? { scalars } : {}),
    values: valuesOf(watched, now),
  })
  frames.push(frame(stages[0].name))
  for (const stage of stages) {
    const loss = lossOf(stage.loss)
    if (loss.fields) throw new RangeError(`sim: stages of ${loss.name} need data that a toy world does not have`)
    const [before, reference] = [now, now]
    const order = orderUpdates({
      examples: world.length,
      batch: Math.min(batch, world.length),
      updates: stage.updates,
      shuffle: true,
      dropLast: true,
      seed: mixSeed(seed, stages.indexOf(stage)),
    })
    for (const [u, members] of order.entries()) {
      const scalars = await run.update(loss, stage, members, reference)
      step++
      const look = (u + 1) % every === 0 || u + 1 === order.length
      if (look) now = await run.distributions()
      const bands = look ? bandsOf(now.slice(0, world.length)) : {}
      const log = { ...scalars, ...bands, learning_rate: stage.lr }
      frames.push(look ? frame(stage.name, log) : { step, stage: stage.name, scalars: log })
    }
    outcomes.push(outcomeOf(stage.name, world, before, now))
  }
  return {
    stages: outcomes,
    simulation: {
      kind,
      params: paramCount(toy),
      config: { sim: kind, ...sizes, batch, every, seed, stages: stages as unknown as Json },
      seed,
      stages: stages.map(({ name, loss, updates }) => ({ name, loss: lossOf(loss).name, updates })),
      rows: world.map((_, n) => `context ${n}`),
      types: WORLD_TYPES,
      watched,
      frames,
    },
  }
}

/** log p of all classes, a context each: y⁺'s contexts, then y⁻'s. */
type Distributions = readonly Float64Array[]

const watchedIn = (world: readonly WorldContext[]): Watched[] =>
  world.flatMap((context, n) =>
    WORLD_TYPES.map((type) => ({
      row: n,
      type,
      context: type === 'rejected' ? world.length + n : n,
      y: context[type].y,
    })),
  )

const valuesOf = (watched: readonly Watched[], now: Distributions): Record<Metric, number>[] =>
  watched.map(({ context, y }) => metricsOfClass(now[context], y))

const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length

/** Mean probability by band of ranks, in the contexts of y⁺. */
function bandsOf(distributions: Distributions): Record<string, number> {
  const bands = distributions.map(massByRank)
  return Object.fromEntries(
    (Object.keys(bands[0]) as RankBand[]).map((band) => [`mass/${band}`, meanOf(bands.map((b) => b[band]))]),
  )
}

function outcomeOf(
  name: string,
  world: readonly WorldContext[],
  before: Distributions,
  after: Distributions,
): StageOutcome {
  const n = world.length
  const change = (type: WorldType): number =>
    meanOf(
      world.map((context, i) => {
        const at = type === 'rejected' ? n + i : i
        return after[at][context[type].y] - before[at][context[type].y]
      }),
    )
  const margin = (now: Distributions): number =>
    meanOf(world.map((c, i) => now[i][c.chosen.y] - now[n + i][c.rejected.y]))
  const peak = (now: Distributions, from: number): number =>
    meanOf(now.slice(from, from + n).map((logp) => Math.exp(logp[argmaxOf(logp)])))
  const reports = world.map((c, i) => massReport(before[n + i], after[n + i], c.rejected.y))
  return {
    name,
    change: Object.fromEntries(WORLD_TYPES.map((type) => [type, change(type)])) as Record<WorldType, number>,
    margin: { before: margin(before), after: margin(after) },
    peak: {
      chosen: { before: peak(before, 0), after: peak(after, 0) },
      rejected: { before: peak(before, n), after: peak(after, n) },
    },
    pushed: {
      before: meanOf(reports.map((r) => r.y.before)),
      after: meanOf(reports.map((r) => r.y.after)),
      starShare: meanOf(reports.map((r) => r.starShare)),
    },
  }
}

interface Inputs {
  readonly params: Tree<Tensor>
  readonly x: Tensor
  readonly contexts: Tensor
  readonly y: Tensor
  readonly ref: Tensor
  readonly mask: Tensor
}

/** Weights in host memory, and the two programs that a toy needs. */
class ToyRun {
  private readonly programs: Programs
  private readonly world: readonly WorldContext[]
  private readonly toy: ToyModel
  private params: Tree<HostTensor>

  constructor(programs: Programs, world: readonly WorldContext[], toy: ToyModel) {
    this.programs = programs
    this.world = world
    this.toy = toy
    this.params = toy.params
  }

  async distributions(): Promise<Float64Array[]> {
    const { classifier, inputs } = this.toy
    const program = await this.programs.get('logits', () =>
      traceAs<Inputs>(({ params, x }) => ({ logits: classifier.logits(params, x) }), {
        params: classifier.params,
        x: f32(...inputs.shape),
      }),
    )
    const { logits } = await this.programs.read(program, { params: this.params, x: inputs })
    const { classes } = classifier
    return Array.from({ length: inputs.shape[0] }, (_, c) =>
      logSoftmaxOf(logits.subarray(c * classes, (c + 1) * classes)),
    )
  }

  /** One step of gradient descent; the loss and its metrics before it, and the gradient's norm. */
  async update(
    loss: Loss,
    stage: ToyStage,
    members: readonly number[],
    reference: Distributions,
  ): Promise<Record<string, number>> {
    const n = this.world.length
    const sides = loss.needs.pairs ? (['chosen', 'rejected'] as const) : stage.targets
    const rows = members.flatMap((i) =>
      sides.map((side) => ({ context: side === 'rejected' ? n + i : i, y: this.world[i][side].y })),
    )
    const program = await this.programs.get(`${stage.name} ${rows.length}`, () =>
      this.gradient(loss, rows.length),
    )
    const ints = (values: readonly number[]): HostTensor => ({
      shape: [rows.length],
      dtype: 'i32',
      data: Int32Array.from(values),
    })
    const out = await this.programs.read(program, {
      params: this.params,
      x: this.toy.inputs,
      contexts: ints(rows.map((r) => r.context)),
      y: ints(rows.map((r) => r.y)),
      ref: exact(Float64Array.from(rows, ({ context, y }) => reference[context][y]), [rows.length, 1]),
      mask: exact(new Float64Array(rows.length).fill(1), [rows.length, 1]),
    })
    let squares = 0
    this.params = mapTree<HostTensor, HostTensor>(this.params, (tensor, path) => {
      const g = out[`grads.params.${path}`]
      if (!g) return tensor
      squares += g.reduce((s, v) => s + v * v, 0)
      return { ...tensor, data: Float64Array.from(tensor.data, (p, i) => p - stage.lr * g[i]) }
    })
    const values = Object.entries(out).filter(([path]) => path.startsWith('primal.'))
    return {
      ...Object.fromEntries(values.map(([path, value]) => [path.slice('primal.'.length), value[0]])),
      grad_norm: Math.sqrt(squares),
    }
  }

  private gradient(loss: Loss, rows: number): Program {
    const { classifier, inputs, trainable } = this.toy
    const program = traceAs<Inputs>(
      ({ params, x, contexts, y, ref, mask }) => {
        const all = logSoftmax(classifier.logits(params, x))
        const logp = reshape(takeAlong(take(all, contexts), y), [rows, 1])
        const args = { logp, mask, ref, fields: {} }
        return { loss: lossValue(loss, args), ...loss.metrics?.(args) }
      },
      {
        params: classifier.params,
        x: f32(...inputs.shape),
        contexts: i32(rows),
        y: i32(rows),
        ref: f32(rows, 1),
        mask: f32(rows, 1),
      },
    )
    const prefix = 'params.'
    const wanted = new Set(
      leaves(classifier.params).flatMap(({ path }) => (trainable(path) ? [prefix + path] : [])),
    )
    return grad(program, { wrt: (path) => wanted.has(path), of: 'loss' })
  }
}
