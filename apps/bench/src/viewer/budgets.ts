// What the viewer promises, in one table, and how far a measurement may be off where the machine is shared.

export interface Budget {
  readonly name: string
  readonly unit: 'ms' | 'MB' | 'KB gz'
  readonly most: number
  /** Sizes are the same everywhere; times depend on the machine. */
  readonly kind: 'time' | 'size'
}

const time = (name: string, most: number): Budget => ({ name, unit: 'ms', most, kind: 'time' })

export const budgets = {
  firstChart: time('first chart', 1500),
  scrub: time('step scrub', 50),
  tick: time('live tick, main thread', 20),
  // Of 50 runs nobody expects all at once; the page must answer meanwhile.
  many: time('first chart, 50 runs compared', 5000),
  // What is longer than 50 ms is noticed.
  block: time('50 runs compared, longest task of the main thread', 50),
  kernel: time('kernels of 2048 × 2048, longest task of the main thread', 50),
  heap: { name: 'heap', unit: 'MB', most: 250, kind: 'size' },
  app: { name: 'script at start', unit: 'KB gz', most: 110, kind: 'size' },
  template: { name: 'single-file template', unit: 'KB gz', most: 140, kind: 'size' },
  // Each can be left out of a file: figures of the paper, the Lab's toys, its tiny GPT with the worker.
  part: { name: 'single file, what it carries beside', unit: 'KB gz', most: 120, kind: 'size' },
} as const satisfies Record<string, Budget>

export interface Measured {
  readonly budget: Budget
  /** What was measured more closely: a screen, a quantile. */
  readonly of?: string
  readonly value: number
}

/** Times may take `slack` times as long; sizes are held exactly. */
export const isKept = ({ budget, value }: Measured, slack = 1): boolean =>
  value <= budget.most * (budget.kind === 'time' ? slack : 1)

const digits = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0))

/** One line a measurement: what, how much, of how much, and whether that is kept. */
export const tableOf = (all: readonly Measured[], slack = 1): string =>
  all
    .map(one => {
      const { budget, of, value } = one
      const name = of === undefined ? budget.name : `${budget.name}: ${of}`
      const mark = isKept(one, slack) ? 'kept' : 'OVER'
      return `${mark}  ${name.padEnd(58)} ${digits(value).padStart(6)} ${budget.unit} of ${digits(budget.most)}`
    })
    .join('\n')
