/**
 * scatterAdd without float atomics: y[v] = Σ_{idx[i] = v} upd[i], repeated indices right and in a fixed order.
 *
 * Sources of the same row are chained first: `next[i]` is the next source with i's index (N at the end), `head[v]` the
 * first. Then every entry of y walks its row's chain and is written once, by one invocation. Finding the chains
 * compares N² indices, which for a batch of tokens is less than reading their updates.
 */
import { fold, type Kernel, type Limits, type Lowering } from './kernel.ts'
import { place } from './matmul.ts'

const entry = (count: number): string => `
@compute @workgroup_size(64) fn main(@builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let t = (wid.x + wid.y * grid.x) * 64u + tid;
  if (t >= ${count}u) { return; }`

/** idx [n], upd [n, width] → y [rows, width]. */
export function scatterAdd(n: number, width: number, rows: number, limits: Limits): Lowering {
  if (rows * width === 0) return { kernels: [], temporaries: [] }
  const groups = (count: number): [number, number, number] => fold(Math.ceil(count / 64), limits)
  const ints = (name: string, of: `in${number}` | `temp${number}`, access: 'read' | 'write') =>
    ({ name, of, element: 'i32', access }) as const
  const head = (access: 'read' | 'write') => ints('head', 'temp0', access)
  const next = (access: 'read' | 'write') => ints('next', 'temp1', access)
  const kernels: Kernel[] = [
    {
      label: 'scatterAdd no sources', bindings: [head('write')], workgroups: groups(rows),
      wgsl: `${entry(rows)}\n  head[t] = ${n};\n}`,
    },
  ]
  if (n > 0)
    kernels.push({
      label: 'scatterAdd chains', bindings: [ints('idx', 'in0', 'read'), head('write'), next('write')], workgroups: groups(n),
      wgsl: `${entry(n)}
  let v = idx[t];
  var j = 0u;
  while (j < t) { if (idx[j] == v) { break; } j++; }
  if (j == t) { head[v] = i32(t); }
  j = t + 1u;
  while (j < ${n}u) { if (idx[j] == v) { break; } j++; }
  next[t] = i32(j);
}`,
    })
  const whole = (of: 'in1' | 'out0', count: number) =>
    ({ of, words: count * width, at: 0, stride: width, step: count * width, repeat: 1 }) as const
  const lot = Math.max(1, Math.floor((limits.maxBindingBytes / 4 - 64) / width))
  for (let row = 0; row < rows; row += lot) {
    const here = Math.min(lot, rows - row)
    const y = place({ ...whole('out0', rows), at: row * width }, here * width, 'y', 'write', false, limits)
    for (let from = 0; from === 0 || from < n; from += lot) {
      const to = Math.min(n, from + lot)
      const upd = place({ ...whole('in1', n), at: from * width }, (to - from) * width, 'upd', 'read', false, limits)
      const all = from === 0 && to === n
      kernels.push({
        label: 'scatterAdd sums',
        bindings: [head('read'), ...(n > 0 ? [next('read'), upd.binding] : []), y.binding],
        workgroups: groups(here * width),
        wgsl: `${entry(here * width)}
  let c = t % ${width}u;
  var v = ${from === 0 ? '0.0' : `y[${y.at}u + t]`};
  ${n === 0 ? '' : `var j = head[${row}u + t / ${width}u];
  while (j < ${n}) {
    ${all ? '' : `if (j >= ${from} && j < ${to}) `}{ v += upd[${upd.at}u + u32(j - ${from}) * ${width}u + c]; }
    j = next[j];
  }`}
  y[${y.at}u + t] = v;
}`,
      })
    }
  }
  return { kernels, temporaries: [rows, Math.max(1, n)] }
}
