// Questions that are asked at the same moment, as one request: a run that grows by an evaluation has a few lines or
// rows more in each of a dozen files, and a request costs the page more than the kilobytes that it brings.

interface Waiting<Q, A> {
  readonly ask: Q
  readonly resolve: (answer: A | Promise<A>) => void
}

/**
 * Asks `all` at once what is asked before the page has its next turn; a question alone, and each of those to which
 * `all` has no answer, goes to `one`, whose error is that of the question.
 */
export const together = <Q, A>(
  one: (ask: Q) => Promise<A>,
  all: (asks: readonly Q[]) => Promise<readonly A[] | undefined>,
  later: (run: () => void) => void = run => void setTimeout(run, 0),
): ((ask: Q) => Promise<A>) => {
  let waiting: Waiting<Q, A>[] = []
  const flush = async (): Promise<void> => {
    const now = waiting
    waiting = []
    const answers = now.length > 1 ? await all(now.map(({ ask }) => ask)).catch(() => undefined) : undefined
    now.forEach(({ ask, resolve }, i) => resolve(answers ? answers[i] : one(ask)))
  }
  return ask =>
    new Promise(resolve => {
      waiting.push({ ask, resolve })
      if (waiting.length === 1) later(() => void flush())
    })
}
