// Long work in short pieces, so that a page of fifty runs answers while it is computed: a generator is run for some
// milliseconds, then everybody else has their turn.

/** How long one piece may take; a piece between two `yield`s is never cut. */
export const SLICE_MS = 12

export interface Sliced {
  stop(): void
}

/** Runs `work` to its end, in pieces; `done` is told what it returns, unless it was stopped before. */
export const runSliced = <T>(
  work: Generator<void, T>,
  done: (result: T) => void,
  {
    later = run => void setTimeout(run, 0),
    now = () => performance.now(),
    failed,
  }: {
    readonly later?: (run: () => void) => void
    readonly now?: () => number
    /** Told what `work` throws; without it that is thrown where nobody can catch it. */
    readonly failed?: (error: unknown) => void
  } = {},
): Sliced => {
  // Let go with its end: whoever could still stop it does not keep what it worked with.
  let left: Generator<void, T> | undefined = work
  const next = (work: Generator<void, T>): IteratorResult<void, T> | undefined => {
    try {
      return work.next()
    } catch (error) {
      if (!failed) throw error
      failed(error)
      return undefined
    }
  }
  const slice = (): void => {
    const until = now() + SLICE_MS
    while (left) {
      const step = next(left)
      if (!step || step.done) left = undefined
      if (!step) return
      if (step.done) return done(step.value)
      if (now() >= until) return later(slice)
    }
  }
  later(slice)
  return {
    stop() {
      left = undefined
    },
  }
}

/** What `work` comes to, in one piece. */
export const atOnce = <T>(work: Generator<void, T>): T => {
  let step = work.next()
  while (!step.done) step = work.next()
  return step.value
}
