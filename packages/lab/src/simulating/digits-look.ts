/** A look at a classifier between two updates: what it says of the test images, and its kernel between some of them. */
import { logSoftmaxOf, traceAs } from '@ldyn/core'
import type { Classifier } from '@ldyn/models'
import { f32, hostTensor, type Backend, type HostTensor, type Tensor, type Tree } from '@ldyn/tensor'
import { Programs } from '../device/programs.ts'
import type { DeviceTree } from '../device/trees.ts'
import { anchorKernel, jacobianProgram, type Anchor, type AnchorKernel } from './class-kernel.ts'
import { IMAGE_SIDE, type DigitImages } from './digits.ts'
import type { Watched } from './record.ts'

export const CLASSES = 10

interface Inputs {
  readonly params: Tree<Tensor>
  readonly x: Tensor
}

/** Some images as a classifier takes them. */
export function images({ pixels }: DigitImages, which: readonly number[]): HostTensor {
  const size = IMAGE_SIDE ** 2
  const data = new Float32Array(which.length * size)
  which.forEach((i, n) => data.set(pixels.subarray(i * size, (i + 1) * size), n * size))
  return hostTensor(data, [which.length, 1, IMAGE_SIDE, IMAGE_SIDE])
}

/** Mean probability by true class. */
export function confusionOf(logp: readonly Float64Array[], labels: Int32Array): number[][] {
  return Array.from({ length: CLASSES }, (_, i) => {
    const own = logp.filter((_, n) => labels[n] === i)
    return Array.from({ length: CLASSES }, (_, j) => own.reduce((s, l) => s + Math.exp(l[j]), 0) / own.length)
  })
}

export interface Seen {
  /** log p of every test image, [C] each. */
  readonly logp: readonly Float64Array[]
  readonly accuracy: number
  readonly kernel: AnchorKernel
}

/** Looks at a model: what it says of the test images, and its kernel between the anchors among them. */
export class Looker implements Disposable {
  /** Every test image is a row: its own digit is `chosen`, the others are `as <digit>`. */
  readonly types: readonly string[] = ['chosen', ...Array.from({ length: CLASSES }, (_, c) => `as ${c}`)]
  readonly watched: readonly Watched[]
  private readonly programs: Programs
  private readonly model: Classifier
  private readonly held: DigitImages
  private readonly anchors: readonly number[]

  constructor(backend: Backend, model: Classifier, held: DigitImages, anchors: number) {
    this.programs = new Programs(backend)
    this.model = model
    this.held = held
    this.anchors = Array.from({ length: CLASSES * anchors }, (_, i) => i)
    this.watched = Array.from(held.labels).flatMap((label, row) =>
      Array.from({ length: CLASSES }, (_, y) => ({
        row,
        type: y === label ? 'chosen' : `as ${y}`,
        context: row,
        y,
      })),
    )
  }

  async at(params: DeviceTree): Promise<Seen> {
    const { model, held } = this
    const all = Array.from(held.labels.keys())
    const logits = await this.programs.get('logits', () =>
      traceAs<Inputs>(({ params: p, x }) => ({ logits: model.logits(p, x) }), {
        params: model.params,
        x: f32(all.length, ...model.input),
      }),
    )
    const out = await this.programs.read(logits, { params, x: images(held, all) })
    const logp = all.map((i) => logSoftmaxOf(out.logits.subarray(i * CLASSES, (i + 1) * CLASSES)))
    const right = logp.filter((l, i) => l.indexOf(Math.max(...l)) === held.labels[i]).length
    const jacobian = await this.programs.get('jacobian', () => jacobianProgram(model))
    const found: Anchor[] = []
    for (const i of this.anchors) {
      const read = await this.programs.read(jacobian, { params, x: images(held, [i]) })
      found.push({ label: held.labels[i], jacobian: read.jacobian })
    }
    return { logp, accuracy: right / all.length, kernel: anchorKernel(found, CLASSES) }
  }

  [Symbol.dispose](): void {
    this.programs[Symbol.dispose]()
  }
}
