/**
 * The k largest of every row: k passes, each of which finds the largest entry that comes after the one before, in the
 * order of falling values and, among equals, rising indices. A workgroup a row.
 */
import { sizeOf, type Shape } from '@ldyn/tensor'
import { bind, entry, fold, type Limits, type Lowering } from './kernel.ts'

/** in0 [..., v] → out0 f32 [..., k] and out1 i32 [..., k]. */
export function topK(shape: Shape, k: number, limits: Limits): Lowering {
  const v = shape.at(-1)!
  const rows = sizeOf(shape) / v
  const threads = v <= 64 ? 32 : Math.min(256, limits.maxInvocations)
  const wgsl = `var<workgroup> values: array<f32, ${threads}>;
var<workgroup> places: array<u32, ${threads}>;
/** Does (a, i) come before (b, j)? A place of ${v} is none. */
fn before(a: f32, i: u32, b: f32, j: u32) -> bool {
  return i < ${v}u && (j >= ${v}u || a > b || (a == b && i < j));
}
${entry(threads)}
  let place = wid.x + wid.y * grid.x; let row = min(place, ${rows - 1}u) * ${v}u; var last = 0.0f; var lastPlace = ${v}u;
  for (var n = 0u; n < ${k}u; n++) {
    var best = 0.0f; var bestPlace = ${v}u;
    for (var i = tid; i < ${v}u; i += ${threads}u) {
      let x = x0[row + i];
      if ((n == 0u || before(last, lastPlace, x, i)) && before(x, i, best, bestPlace)) { best = x; bestPlace = i; }
    }
    values[tid] = best; places[tid] = bestPlace;
    workgroupBarrier();
    for (var h = ${threads / 2}u; h > 0u; h /= 2u) {
      if (tid < h && before(values[tid + h], places[tid + h], values[tid], places[tid])) {
        values[tid] = values[tid + h]; places[tid] = places[tid + h];
      }
      workgroupBarrier();
    }
    last = values[0]; lastPlace = places[0];
    workgroupBarrier();
    if (tid == 0u && place < ${rows}u) { y0[place * ${k}u + n] = last; y1[place * ${k}u + n] = i32(lastPlace); }
  }
}`
  const bindings = [bind('x0', 'in0', 'read'), bind('y0', 'out0', 'write'), bind('y1', 'out1', 'write', 'i32')]
  return { kernels: [{ label: `topK ${k} of ${v}`, wgsl, bindings, workgroups: fold(rows, limits) }], temporaries: [] }
}
