/**
 * Two classifiers of images for the toy experiments (paper.md §6.2): the 784-128×4-10 MLP and the LeNet with
 * tanh and average pooling. `logits(params, x)` is all there is to them.
 */
import { avgPool, conv2d, f32, linear, reshape, scope, tanh, type Spec, type Tensor, type Traced, type Tree } from '@ldyn/tensor'
import { linearSpec } from './blocks.ts'

export interface Classifier {
  /** Shape of one input, without the batch axis. */
  readonly input: readonly number[]
  readonly classes: number
  readonly params: Tree<Spec>
  /** x [B, …input] → logits [B, classes]. */
  logits(params: Tree<Tensor>, x: Tensor): Tensor
}

/** A multilayer perceptron with tanh between its linear maps; `widths` runs from input to classes. */
export function mlp(widths: readonly number[]): Classifier {
  const params = widths.slice(1).map((to, i) => linearSpec(widths[i], to, true))
  return {
    input: [widths[0]],
    classes: widths.at(-1)!,
    params: { layers: params },
    logits: (tree, x) => {
      const { layers } = tree as unknown as { readonly layers: Traced<typeof params> }
      return layers.reduce((h, { w, b }, i) => scope(`layers.${i}`, () => linear(i === 0 ? h : tanh(h), w, b)), x)
    },
  }
}

/**
 * The paper's LeNet on 1×28×28: two 5×5 convolutions with pooling, then 400→60→42→classes. Weights as conv2d
 * takes them.
 */
export function lenet(classes = 10): Classifier {
  const params = {
    conv1: { w: f32(25, 6), b: f32(6) },
    conv2: { w: f32(150, 16), b: f32(16) },
    fc1: linearSpec(400, 60, true),
    fc2: linearSpec(60, 42, true),
    out: linearSpec(42, classes, true),
  }
  return {
    input: [1, 28, 28],
    classes,
    params,
    logits: (tree, x) => {
      const p = tree as unknown as Traced<typeof params>
      const c1 = scope('conv1', () => avgPool(tanh(conv2d(x, p.conv1.w, p.conv1.b!, 2)), 2))
      const c2 = scope('conv2', () => avgPool(tanh(conv2d(c1, p.conv2.w, p.conv2.b!)), 2))
      const f1 = scope('fc1', () => tanh(linear(reshape(c2, [x.shape[0], 400]), p.fc1.w, p.fc1.b)))
      const f2 = scope('fc2', () => tanh(linear(f1, p.fc2.w, p.fc2.b)))
      return scope('out', () => linear(f2, p.out.w, p.out.b))
    },
  }
}
