// What `ldyn train` takes where nothing is said, by the last parts of a setting's path: so that the settings of a
// run can be shown without those that nobody chose. The table is that of the CLI (apps/cli/src/config/presets.ts);
// a test holds the two together.
import type { Setting } from './config-tree.ts'

type Values = Readonly<Record<string, string | number | boolean>>

const top: Values = {
  backend: 'onnx',
  seed: 0,
  'tokens.mode': 'separate',
  'observe.every': 25,
  'observe.first': true,
  'observe.tokens': false,
  'observe.bands': false,
  'observe.watch.rows': 0,
  'observe.watch.tokens': 1,
  'observe.decompose.every': 0,
  'observe.decompose.probes': 8,
  'observe.decompose.directions': 'terms',
  'observe.decompose.tokens': false,
  'checkpoint.every': 100,
  'checkpoint.keep': 1,
  'pack.packed': true,
  'pack.maxShapes': 3,
  'pack.maxRowLength': 1024,
}

const stage: Values = {
  epochs: 1,
  batch: 4,
  accumulate: 1,
  lr: 5e-7,
  schedule: 'paper',
  optimizer: 'rmsprop',
  momentum: 0,
  alpha: 0.99,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0,
  maxGradNorm: 10,
  shuffle: true,
  dropLast: true,
  targets: 'chosen',
  reduction: 'sum',
  beta: 0.1,
  labelSmoothing: 0,
  referenceFree: false,
  nllWeight: 0,
  gamma: 1,
  delta: 1,
  lambda: 5,
  form: 'true',
  desirableWeight: 1,
  undesirableWeight: 1,
  gate: 'none',
  gateSharpness: 50,
  gateThreshold: 0.1,
}

/** What differs by kind of stage. */
const kinds: Readonly<Record<string, Values>> = {
  extend: { targets: 'chosen, rejected' },
  slic: { beta: 1, referenceFree: true },
  simpo: { beta: 2, reduction: 'mean' },
  rpo: { nllWeight: 1, reduction: 'mean' },
  orpo: { nllWeight: 1, reduction: 'mean' },
  'gate-dpo': { gate: 'mean' },
}

export const defaultTable = { top, stage, kinds }

/** Settings that somebody chose: other than what is taken where nothing is said. */
export const chosenOf = (settings: readonly Setting[]): readonly Setting[] => {
  const kindOf = new Map(
    settings.flatMap(({ path, text }) => {
      const found = /^stages\.(\d+)\.kind$/.exec(path)
      return found ? [[found[1], text] as const] : []
    }),
  )
  return settings.filter(({ path, text }) => {
    const inStage = /^stages\.(\d+)\.(.+)$/.exec(path)
    const standard = inStage
      ? (kinds[kindOf.get(inStage[1]) ?? '']?.[inStage[2]] ?? stage[inStage[2]])
      : top[path]
    return standard === undefined || String(standard) !== text
  })
}
