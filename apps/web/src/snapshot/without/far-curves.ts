// What stands in place of curves that a viewer computes: a snapshot has the rows, and nobody to ask.
import type { createFarCurves as create } from '../../data/far-curves.ts'

export const createFarCurves: typeof create = () => {
  throw new Error('A snapshot computes its curves from its rows')
}
