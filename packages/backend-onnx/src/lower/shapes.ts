/** What the lowerings use of @ldyn/tensor's shapes, and numpy's broadcasting of shapes that are known to fit. */
import type { Shape } from '@ldyn/tensor'

export { sameShape, sizeOf, type DType, type Shape, type Spec } from '@ldyn/tensor'

/** The common shape, right-aligned. */
export function broadcastShapes(shapes: readonly Shape[]): Shape {
  const rank = Math.max(0, ...shapes.map((s) => s.length))
  return Array.from({ length: rank }, (_, a) => {
    const sizes = shapes.map((s) => s[a - (rank - s.length)] ?? 1)
    return sizes.find((n) => n !== 1) ?? 1
  })
}
