/**
 * The study of the paper's Fig. 1 and App. C.1 (paper.md §6.2) on drawn digits: a LeNet is trained, and between updates
 * its exact eNTK is taken for every pair of classes: how large it is, how fast it moves, and whether the ranking of who
 * is influenced by whom stays the same.
 */
import { hfDecay, schedules, sgd, stateSpecs, traceAs, updateOf, hyperSpecs, replaced } from '@ldyn/core'
import { lenet, uniform, type Classifier } from '@ldyn/models'
import {
  add,
  call,
  f32,
  grad,
  hostTensor,
  i32,
  isFinite,
  logSoftmax,
  mapTree,
  mean,
  neg,
  sizeOf,
  takeAlong,
  type Backend,
  type DeviceTensor,
  type HostTensor,
  type Program,
  type Spec,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'
import { disposeTree, uploadZeros, type DeviceTree } from '../device/trees.ts'
import { mixSeed, orderUpdates } from '../training/order.ts'
import { classNorms, meanDrift, meanNorm, rankAgreement } from './class-kernel.ts'
import { CLASSES, confusionOf, images, Looker, type Seen } from './digits-look.ts'
import { drawDigits } from './digits.ts'
import { metricsOfClass } from './distribution.ts'
import type { Frame, Simulation } from './record.ts'

export interface DigitsRequest {
  /** Training images of every digit. */
  readonly perClass: number
  readonly epochs: number
  readonly batch: number
  readonly lr: number
  readonly momentum: number
  readonly weightDecay: number
  /** Test images of every digit, and of these how many the kernel is taken between. */
  readonly test: number
  readonly anchors: number
  /** Updates from one look to the next. */
  readonly every: number
  readonly seed: number
  readonly progress?: (done: number, total: number) => void
  /** Asked between updates: true ends the study here. */
  readonly shouldStop?: () => boolean
}

/** What was seen after so many updates. */
export interface KernelLook {
  readonly step: number
  readonly accuracy: number
  /** Mean ‖K(o,u)‖_F of different images by class: [o][u]. */
  readonly norms: readonly (readonly number[])[]
  /** E‖K‖_F; and of the look before, E‖K − K′‖_F/E‖K‖_F and the mean rank correlation of who is influenced by u. */
  readonly meanNorm: number
  readonly drift?: number
  readonly rank?: number
}

export interface DigitsResult {
  readonly looks: readonly KernelLook[]
  /** Mean probability of class j for test images of class i, at the end: [i][j]. */
  readonly confusion: readonly (readonly number[])[]
  /** Mean rank correlation of every look with the last. */
  readonly rankWithLast: readonly number[]
  readonly simulation: Simulation
}

interface StepInputs {
  readonly params: Tree<Tensor>
  readonly state: Tree<Tensor>
  readonly x: Tensor
  readonly y: Tensor
  readonly hyper: Readonly<Record<string, Tensor>>
}

const optimizerOf = ({ momentum, weightDecay }: DigitsRequest) => sgd({ momentum, weightDecay, decay: hfDecay })

/** One update of cross-entropy, a mean over the batch. */
function stepProgram(model: Classifier, request: DigitsRequest): Program {
  const { batch } = request
  const optimizer = optimizerOf(request)
  const specs = { params: model.params, x: f32(batch, ...model.input), y: i32(batch) }
  const loss = traceAs<Pick<StepInputs, 'params' | 'x' | 'y'>>(
    ({ params, x, y }) => ({ loss: neg(mean(takeAlong(logSoftmax(model.logits(params, x)), y))) }),
    specs,
  )
  const gradient = grad(loss, { wrt: 'params', of: 'loss' })
  return traceAs<StepInputs>(
    ({ params, state, x, y, hyper }) => {
      const { primal, grads } = call(gradient, { params, x, y }) as unknown as {
        primal: { loss: Tensor }
        grads: { params: Tree<Tensor> }
      }
      const { norm, outputs } = updateOf({ optimizer }, { params, state, grads: grads.params, hyper })
      return { ...outputs, metrics: { loss: primal.loss, grad_norm: norm }, finite: isFinite(add(primal.loss, norm)) }
    },
    { ...specs, state: stateSpecs(optimizer, model.params), hyper: hyperSpecs(optimizer) },
  )
}

/** Weights as PyTorch's layers begin: uniform in ±1/√fan-in, biases too. */
const initial = (model: Classifier, seed: number): Tree<HostTensor> => {
  const fans = new Map<string, number>()
  mapTree<Spec, Spec>(model.params, (spec, path) => {
    if (path.endsWith('.w')) fans.set(path.slice(0, -2), spec.shape[0])
    return spec
  })
  return mapTree<Spec, HostTensor>(model.params, (spec, path) => {
    const random = uniform(seed, path)
    const bound = 1 / Math.sqrt(fans.get(path.replace(/\.[wb]$/, ''))!)
    const data = Float32Array.from({ length: sizeOf(spec.shape) }, () => bound * (2 * random() - 1))
    return hostTensor(data, spec.shape)
  })
}

/** Throws RangeError for options out of range. */
export async function studyDigits(backend: Backend, request: DigitsRequest): Promise<DigitsResult> {
  const { perClass, epochs, batch, lr, test, anchors, every, seed } = request
  if (anchors < 2) throw new RangeError(`sim digits: ${anchors} anchors of a class; at least 2 are needed`)
  if (anchors > test) throw new RangeError(`sim digits: ${anchors} anchors of ${test} test images`)
  if (batch > 10 * perClass) throw new RangeError(`sim digits: a batch of ${batch} of ${10 * perClass} images`)
  const model = lenet(CLASSES)
  const [train, held] = [drawDigits(perClass, seed, 'train'), drawDigits(test, seed, 'test')]
  using look = new Looker(backend, model, held, anchors)
  const program = stepProgram(model, request)
  using executable = await backend.compile(program, { donate: replaced(program) })
  const optimizer = optimizerOf(request)
  const order = orderUpdates({
    examples: 10 * perClass,
    batch,
    epochs,
    shuffle: true,
    dropLast: true,
    seed: mixSeed(seed, 1),
  })
  const rate = schedules.cosine({ warmup: 0, steps: order.length })
  let params = await uploadTree(backend, initial(model, seed))
  let state = await uploadZeros(backend, stateSpecs(optimizer, model.params))
  const frames: Frame[] = []
  const looks: KernelLook[] = []
  let seen = await look.at(params)
  const note = (step: number, now: Seen, scalars?: Readonly<Record<string, number>>): void => {
    const before = looks.at(-1)
    const moved = before && { drift: meanDrift(now.kernel, seen.kernel) / meanNorm(now.kernel) }
    const norms = classNorms(now.kernel)
    looks.push({
      step,
      accuracy: now.accuracy,
      norms,
      meanNorm: meanNorm(now.kernel),
      ...moved,
      ...(before ? { rank: rankAgreement(norms, before.norms) } : {}),
    })
    const { meanNorm: size, drift, rank } = looks.at(-1)!
    const kernel = { kernel_norm: size, ...(before ? { kernel_drift: drift!, kernel_rank: rank! } : {}) }
    frames.push({
      step,
      stage: 'train',
      ...(scalars ? { scalars: { ...scalars, accuracy: now.accuracy, ...kernel } } : {}),
      values: look.watched.map(({ row, y }) => metricsOfClass(now.logp[row], y)),
    })
    seen = now
  }
  note(0, seen)
  for (const [u, members] of order.entries()) {
    const hyper = optimizer.hyper(u, lr * rate(u))
    const y = hostTensor(Int32Array.from(members, (i) => train.labels[i]), [batch], 'i32')
    const out = (await executable.run({ params, state, x: images(train, members), y, hyper })) as unknown as Stepped
    ;({ params, state } = out)
    const scalars = { learning_rate: hyper.lr, ...(await readScalars(backend, out)) }
    const stop = request.shouldStop?.() ?? false
    if ((u + 1) % every === 0 || u + 1 === order.length || stop) note(u + 1, await look.at(params), scalars)
    else frames.push({ step: u + 1, stage: 'train', scalars })
    request.progress?.(u + 1, order.length)
    if (stop) break
  }
  disposeTree(params)
  disposeTree(state)
  const { progress: _, shouldStop: __, ...config } = request
  return {
    looks,
    confusion: confusionOf(seen.logp, held.labels),
    rankWithLast: looks.map(({ norms }) => rankAgreement(norms, looks.at(-1)!.norms)),
    simulation: {
      kind: 'digits, LeNet',
      params: parameterCount(model),
      config: { sim: 'digits', ...config },
      seed,
      stages: [{ name: 'train', loss: 'sft', updates: order.length }],
      rows: Array.from(held.labels, (label, i) => `drawn ${label} (${i})`),
      types: look.types,
      watched: look.watched,
      frames,
    },
  }
}

interface Stepped {
  readonly params: DeviceTree
  readonly state: DeviceTree
  readonly metrics: Readonly<Record<'loss' | 'grad_norm', DeviceTensor>>
  readonly finite: DeviceTensor
}

async function readScalars(backend: Backend, { metrics, finite }: Stepped): Promise<Record<string, number>> {
  finite.dispose()
  const found: Record<string, number> = {}
  for (const [name, tensor] of Object.entries(metrics)) {
    found[name] = (await backend.read(tensor)).data[0]
    tensor.dispose()
  }
  return found
}

const parameterCount = (model: Classifier): number => {
  let n = 0
  mapTree<Spec, Spec>(model.params, (spec) => ((n += sizeOf(spec.shape)), spec))
  return n
}

async function uploadTree(backend: Backend, tree: Tree<HostTensor>): Promise<DeviceTree> {
  const uploads: Promise<DeviceTensor>[] = []
  mapTree<HostTensor, HostTensor>(tree, (tensor) => (uploads.push(backend.upload(tensor)), tensor))
  const done = await Promise.all(uploads)
  let next = 0
  return mapTree<HostTensor, DeviceTensor>(tree, () => done[next++])
}
