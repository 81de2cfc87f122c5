/**
 * Two checkpoints of one network, explained: the change of every probe along θ_B − θ_A, to first order, by module, and
 * integrated over the segment between them, which closes the residual. Any trainer may have written them.
 */
import { gaussLegendre } from '@ldyn/core'
import type { Checkpoint } from '@ldyn/models/node'
import { leaves, unflatten, type Backend, type DeviceTensor, type HostArray, type Leaf } from '@ldyn/tensor'
import { DataError } from '../rows/row.ts'
import { disposeTree, type DeviceTree } from '../device/trees.ts'
import type { ProbeSet, ProbeValues } from './probe-set.ts'
import type { ByModule } from './step.ts'

/** How large a difference is beside what storing the numbers rounds off. */
export interface Rounding {
  /** Root mean square of θ_B − θ_A, and of the rounding of both as they are stored. */
  readonly change: number
  readonly rounding: number
  /** Share of sampled parameters that are the very same number. */
  readonly unchanged: number
  /** How the coarser of the two is stored. */
  readonly dtype: string
}

export interface Segment {
  /** θ_A, and θ_B − θ_A: trees on the backend. */
  readonly params: DeviceTree
  readonly delta: DeviceTree
  readonly rounding: Rounding
}

/** Bits of the significand, the leading one not counted, by the names that checkpoints use. */
const SIGNIFICAND: Readonly<Record<string, number>> = { F64: 52, F32: 23, F16: 10, BF16: 7 }

/** Below this many times the rounding, a difference says more of how it was stored than of training. */
export const NEAR_ROUNDING = 10

const SAMPLE = 4096

/**
 * Throws DataError naming the first tensor in which two checkpoints differ in name or shape, or the first setting of
 * their configs that makes them different functions of the same parameters.
 */
export function mustMatch(from: Checkpoint, to: Checkpoint): void {
  const refuse = (what: string, why: string): DataError =>
    new DataError(`the checkpoints do not match: ${what}`, {
      where: `${from.path} and ${to.path}`,
      why,
      fix: 'give two checkpoints of one network: before and after training',
    })
  const [a, b] = [from, to].map(
    ({ model }) => new Map(leaves(model.params).map(({ path, value }) => [path, value])),
  )
  for (const path of new Set([...a.keys(), ...b.keys()])) {
    const [x, y] = [a.get(path), b.get(path)]
    if (!x || !y) throw refuse(`tensor ${path}`, `only ${x ? from.name : to.name} has it`)
    if (x.shape.length !== y.shape.length || x.shape.some((n, i) => n !== y.shape[i]))
      throw refuse(
        `tensor ${path}`,
        `its shape is [${x.shape.join(', ')}] in one and [${y.shape.join(', ')}] in the other`,
      )
  }
  const [c, d] = [from, to].map(({ model }) => model.config as unknown as Readonly<Record<string, unknown>>)
  for (const key of new Set([...Object.keys(c), ...Object.keys(d)])) {
    // How long a sequence may be changes no number of a shorter one.
    if (key === 'context') continue
    const [x, y] = [c[key], d[key]].map((value) => JSON.stringify(value))
    if (x !== y) throw refuse(`${key} of config.json`, `it is ${x} in one and ${y} in the other`)
  }
}

/** Loads θ_A and θ_B − θ_A, one tensor at a time. Throws what `mustMatch` throws. */
export async function loadSegment(
  backend: Backend,
  from: Checkpoint,
  to: Checkpoint,
  progress: (done: number, total: number) => void = () => {},
): Promise<Segment> {
  mustMatch(from, to)
  const paths = leaves(from.model.params).map(({ path }) => path)
  const sums = { change: 0, rounding: 0, same: 0, count: 0 }
  const [params, delta]: [Leaf<DeviceTensor>[], Leaf<DeviceTensor>[]] = [[], []]
  const dtypes = [...from.dtypes, ...to.dtypes]
  const coarsest = dtypes.reduce((worst, dtype) => (bitsOf(dtype) < bitsOf(worst) ? dtype : worst))
  try {
    for (const [i, path] of paths.entries()) {
      const [a, b] = [await from.tensor(path), await to.tensor(path)]
      const difference = Float32Array.from(b.data, (x, k) => x - a.data[k])
      measure(sums, a.data, difference, [from, to])
      params.push({ path, value: await backend.upload(a) })
      delta.push({ path, value: await backend.upload({ ...a, data: difference }) })
      progress(i + 1, paths.length)
    }
  } catch (error) {
    for (const { value } of [...params, ...delta]) value.dispose()
    throw error
  }
  const rms = (x: number): number => Math.sqrt(x / sums.count)
  return {
    params: unflatten(params),
    delta: unflatten(delta),
    rounding: {
      change: rms(sums.change),
      rounding: rms(sums.rounding),
      unchanged: sums.same / sums.count,
      dtype: coarsest,
    },
  }
}

/** Significand bits of a storage type; quantised GGUF types count as one of 4. */
const bitsOf = (dtype: string): number => SIGNIFICAND[dtype] ?? 4

/** Adds up squares over a sample: the change, and (unit in the last place)²/12 of either checkpoint's storage. */
function measure(
  sums: { change: number; rounding: number; same: number; count: number },
  before: HostArray,
  change: Float32Array,
  checkpoints: readonly Checkpoint[],
): void {
  const step = Math.max(1, Math.floor(before.length / SAMPLE))
  // A tensor counts by all its elements, of which `step` stand behind each sampled one.
  const bits = checkpoints.map(({ dtypes }) => Math.min(...dtypes.map(bitsOf)))
  for (let i = 0; i < before.length; i += step) {
    const size = Math.abs(before[i])
    const unit = size === 0 ? 0 : 2 ** Math.floor(Math.log2(size))
    sums.change += step * change[i] ** 2
    sums.rounding += step * bits.reduce((n, b) => n + (unit * 2 ** -b) ** 2 / 12, 0)
    sums.same += change[i] === 0 ? step : 0
    sums.count += step
  }
}

export interface SegmentOptions {
  /** Gauss–Legendre nodes of the integral; 4 unless given, 0: none. */
  readonly nodes?: number
  /** By module: along the whole segment to first order, one vjp a response. */
  readonly modules?: boolean
  readonly report?: (what: string, done: number, total: number) => void
}

/** Per response and token, in the probe set's order; nats. */
export interface SegmentExplanation {
  readonly before: ProbeValues
  readonly after: ProbeValues
  /** The derivative at θ_A along the whole of θ_B − θ_A. */
  readonly predicted: ProbeValues
  /** ∫₀¹ of the derivative over the segment, of log π and of the own logit; undefined without nodes. */
  readonly integrated?: Pick<ProbeValues, 'logp' | 'own'>
  readonly modules?: readonly ByModule[]
}

/** Explains the change from θ_A to θ_B. The segment stays the caller's. */
export async function explainSegment(
  probes: ProbeSet,
  { params, delta }: Pick<Segment, 'params' | 'delta'>,
  { nodes = 4, modules = false, report = () => {} }: SegmentOptions = {},
): Promise<SegmentExplanation> {
  const quadrature = nodes === 0 ? [] : gaussLegendre(nodes)
  const total = quadrature.length + 2
  let done = 0
  const at = async (t: number): ReturnType<ProbeSet['onSegment']> => {
    const found = await probes.onSegment(params, delta, t)
    report('segment', ++done, total)
    return found
  }
  const { primal: before, tangent: predicted } = await at(0)
  const { primal: after } = await at(1)
  let integrated: SegmentExplanation['integrated']
  for (const { t, weight } of quadrature) {
    const { tangent } = await at(t)
    integrated = {
      logp: addScaled(integrated?.logp, tangent.logp, weight),
      own: addScaled(integrated?.own, tangent.own, weight),
    }
  }
  const byModule = modules
    ? await probes.byModule(params, delta, (n, of) => report('layers', n, of))
    : undefined
  return { before, after, predicted, integrated, modules: byModule }
}

const addScaled = (
  sofar: readonly Float64Array[] | undefined,
  next: readonly Float64Array[],
  weight: number,
): Float64Array[] => next.map((row, i) => row.map((x, t) => (sofar?.[i][t] ?? 0) + weight * x))

export const disposeSegment = ({ params, delta }: Segment): void => {
  disposeTree(params)
  disposeTree(delta)
}
