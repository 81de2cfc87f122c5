// Long computations and many figures, a piece at a time: the page stays at hand meanwhile.
import { useEffect, useState } from 'preact/hooks'
import { runSliced } from '../data/sliced.ts'

/**
 * What `make` comes to, computed in pieces whenever `deps` change; until then what it came to before. What it throws
 * is thrown while drawing, so that the screen says so instead of waiting for ever.
 */
export const useSliced = <T>(deps: readonly unknown[], make: () => Generator<void, T>): T | undefined => {
  const [found, set] = useState<{ readonly value?: T; readonly failed?: { readonly error: unknown } }>({})
  useEffect(() => {
    const work = runSliced(make(), value => set({ value }), { failed: error => set({ failed: { error } }) })
    return () => work.stop()
  }, deps)
  if (found.failed) throw found.failed.error
  return found.value
}

/** How many of `count` things to draw now: one more each time the page had its turn, anew with another `name`. */
export const useOneByOne = (count: number, name: string): number => {
  const [drawn, set] = useState({ name, n: 1 })
  const n = drawn.name === name ? drawn.n : 1
  useEffect(() => {
    if (n >= count) return
    const timer = setTimeout(() => set({ name, n: n + 1 }), 0)
    return () => clearTimeout(timer)
  }, [n, count, name])
  return Math.min(n, count)
}
