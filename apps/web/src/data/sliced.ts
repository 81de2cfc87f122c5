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
  }: { readonly later?: (run: () => void) => void; readonly now?: () => number } = {},
): Sliced => {
  let stopped = false
  const slice = (): void => {
    if (stopped) return
    const until = now() + SLICE_MS
    do {
      const step = work.next()
      if (step.done) return done(step.value)
    } while (now() < until)
    later(slice)
  }
  later(slice)
  return {
    stop() {
      stopped = true
    },
  }
}
