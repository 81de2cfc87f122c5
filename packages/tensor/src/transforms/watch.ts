/**
 * Finds where a number first stopped being finite, on any backend: the program is rebuilt to report, for
 * every
 * f32 value in it, whether all of its elements are finite, and nothing else.
 */
import { all } from '../ops/reductions.ts'
import { cast } from '../ops/structure.ts'
import { concat, reshape } from '../ops/movement.ts'
import { isFinite } from '../ops/pointwise.ts'
import type { Tensor } from '../graph.ts'
import { sizeOf } from '../spec.ts'
import type { Program } from '../program.ts'
import { openInputs, replay, type Values } from '../trace.ts'
import { build } from './rebuild.ts'

export interface Watched {
  /** Same inputs; one output `finite`, i32[sites.length] of 0 and 1. */
  readonly program: Program
  /** What each entry speaks of, in the order in which values are computed. */
  readonly sites: readonly { readonly op: string; readonly path: string; readonly shape: readonly number[] }[]
}

/**
 * The program that checks every f32 value of `program`, inputs first. Throws RangeError where there is none.
 */
export function watchFinite(program: Program): Watched {
  const sites: Watched['sites'][number][] = []
  const result = build(() => {
    const values: Values = new Map()
    openInputs(program, values)
    const flags: Tensor[] = []
    const watch = (op: string, path: string, t: Tensor): void => {
      if (t.dtype !== 'f32' || sizeOf(t.shape) === 0) return
      sites.push({ op, path, shape: t.shape })
      flags.push(reshape(cast(all(isFinite(t)), 'i32'), [1]))
    }
    for (const { path, value } of program.inputs) watch('input', path, values.get(value)!)
    for (const node of program.nodes) {
      if (node.op === 'input') continue
      for (const y of replay(node, program, values)) if (node.op !== 'constant') watch(node.op, node.path, y)
    }
    if (flags.length === 0) throw new RangeError('watchFinite: the program has no f32 value')
    return [{ path: 'finite', value: concat(flags, 0) }]
  })
  return { program: result, sites }
}
