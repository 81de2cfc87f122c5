/**
 * scatterAdd without float atomics: y[v] = Σ_{idx[i] = v} upd[i], repeated indices right and in a fixed order.
 *
 * Sources of the same row are chained first: `next[i]` is the next source with i's index (N at the end), `head[v]` the
 * first. Then every entry of y walks its row's chain and is written once, by one invocation. Finding the chains
 * compares N² indices, which for a batch of tokens is less than reading their updates.
 */
import { bind, eachOf, type Access, type Kernel, type Limits, type Lowering } from './kernel.ts'
import { place, whole } from './matmul.ts'

/** idx [n], upd [n, width] → y [rows, width]. */
export function scatterAdd(n: number, width: number, rows: number, limits: Limits): Lowering {
  const head = (access: Access) => bind('head', 'temp0', access, 'i32')
  const next = (access: Access) => bind('next', 'temp1', access, 'i32')
  const kernels: Kernel[] = [
    eachOf('t', rows, 'scatterAdd no sources', [head('write')], limits, `head[t] = ${n};`),
    eachOf('t', n, 'scatterAdd chains', [bind('idx', 'in0', 'read', 'i32'), head('write'), next('write')], limits, `
  let v = idx[t]; var j = 0u;
  while (j < t) { if (idx[j] == v) { break; } j++; }
  if (j == t && u32(v) < ${rows}u) { head[v] = i32(t); }
  j = t + 1u;
  while (j < ${n}u) { if (idx[j] == v) { break; } j++; }
  next[t] = i32(j);`),
  ]
  const lot = Math.max(1, Math.floor((limits.maxBindingBytes / 4 - 64) / width))
  for (let row = 0; row < rows; row += lot) {
    const here = Math.min(lot, rows - row)
    const y = place({ ...whole('out0', 1, rows, width), at: row * width }, here * width, 'y', 'write', false, limits)
    for (let from = 0; from < n; from += lot) {
      const to = Math.min(n, from + lot)
      const some = { ...whole('in1', 1, n, width), at: from * width }
      const upd = place(some, (to - from) * width, 'upd', 'read', false, limits)
      const bindings = [head('read'), next('read'), upd.binding, y.binding]
      kernels.push(eachOf('t', here * width, 'scatterAdd sums', bindings, limits, `let c = t % ${width}u;
  var v = ${from === 0 ? '0.0' : `y[${y.at}u + t]`};
  var j = head[${row}u + t / ${width}u];
  while (j < ${n}) {
    ${from === 0 && to === n ? '' : `if (j >= ${from} && j < ${to}) `}{ v += upd[${upd.at}u + u32(j - ${from}) * ${width}u + c]; }
    j = next[j];
  }
  y[${y.at}u + t] = v;`))
    }
  }
  return { kernels, temporaries: [rows, n] }
}
