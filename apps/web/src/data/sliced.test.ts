import { expect, it } from 'vitest'
import { runSliced, SLICE_MS } from './sliced.ts'

const counting = function* (steps: number, step: () => void): Generator<void, number> {
  for (let i = 0; i < steps; i++) {
    step()
    yield
  }
  return steps
}

it('work is done in pieces no longer than a slice and one step, and told once', () => {
  let [clock, result] = [0, 0]
  const pieces: number[] = []
  const queue: (() => void)[] = []
  runSliced(
    counting(100, () => (clock += 5)),
    done => (result = done),
    { later: run => queue.push(run), now: () => clock },
  )
  while (queue.length > 0) {
    const from = clock
    queue.shift()!()
    pieces.push(clock - from)
  }
  expect(result).toBe(100)
  expect(Math.max(...pieces)).toBeLessThanOrEqual(SLICE_MS + 5)
  expect(pieces.length).toBeGreaterThan(20)
})

it('what work throws is told once, and work ends with it', () => {
  const queue: (() => void)[] = []
  const told: unknown[] = []
  const failing = function* (): Generator<void, number> {
    yield
    throw new Error('no axis')
  }
  runSliced(failing(), () => told.push('done'), { later: run => queue.push(run), now: () => 0, failed: e => told.push(e) })
  while (queue.length > 0) queue.shift()!()
  expect(told).toEqual([new Error('no axis')])
})

it('what was stopped is not told', () => {
  const queue: (() => void)[] = []
  let told = false
  const work = runSliced(
    counting(3, () => undefined),
    () => (told = true),
    { later: run => queue.push(run), now: () => 0 },
  )
  work.stop()
  while (queue.length > 0) queue.shift()!()
  expect(told).toBe(false)
})
