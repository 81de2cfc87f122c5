/**
 * Where the mass went: whether it gathers on the likeliest tokens while chosen falls, whether the curve looks like that
 * of a learning rate too high, and whether a walk without direction would look the same.
 */
import { speak, weigh, type Evidence, type Signals } from './evidence.ts'
import { figure, kept } from './finding.ts'
import { thresholds } from './thresholds.ts'
import { restlessness, smoothed, type Track } from './trend.ts'

export interface Concentration {
  readonly evidence: readonly Evidence[]
  /**
   * yes: argmax itself rises; likely: ‖A‖ or entropy, which stand in for it, say so; elsewhere: it does along another
   * response; no: argmax is known and does not rise; unknown.
   */
  readonly found: 'yes' | 'likely' | 'elsewhere' | 'no' | 'unknown'
}

/** From a step on, while chosen falls by `fall` (> 0; nats or reward). */
export const concentration = (signals: Signals, step: number, fall: number): Concentration => {
  const argmax = speak(
    signals.argmax,
    step,
    'Σ log max π along chosen: up where mass gathers on the likeliest token',
  )
  const norm = speak(signals.norm, step, '‖A‖ along chosen: up where the distribution is more peaked')
  const entropy = speak(signals.entropy, step, 'entropy: down where the distribution is more peaked')
  const elsewhere = signals.elsewhere.flatMap(({ type, logp, argmax: top }) => {
    const down = speak(logp, step, `log π of ${type}, whose own argmax is known`)
    const up = speak(top, step, `Σ log max π along ${type}`)
    return down?.direction === 'down' && up?.direction === 'up'
      ? [weigh(down, 'down', 'up'), weigh(up, 'up', 'down')]
      : []
  })
  const evidence = kept([
    argmax && weigh(argmax, 'up', 'down'),
    norm && weigh(norm, 'up', 'down'),
    entropy && weigh(entropy, 'down', 'up'),
  ])
  if (argmax) {
    const enough = argmax.move.change >= thresholds.argmaxShare * fall
    const found =
      argmax.direction === 'up' && enough ? 'yes' : argmax.direction === 'unsure' ? 'unknown' : 'no'
    return { evidence, found }
  }
  const stands = evidence.filter(({ supports }) => supports !== 'neither')
  const all = [...evidence, ...elsewhere]
  if (stands.length > 0 && stands.every(({ supports }) => supports === 'for'))
    return { evidence: all, found: 'likely' }
  return elsewhere.length > 0 ? { evidence: all, found: 'elsewhere' } : { evidence, found: 'unknown' }
}

/**
 * What a learning rate too high looks like in chosen's curve, in words; none where it does not. `at`: the evaluation
 * from which it falls; only what falls from the beginning falls at once.
 */
export const instability = (chosen: Track, at: number): readonly string[] => {
  const values = smoothed(chosen.mean)
  const last = values.length - 1
  const early = Math.max(1, Math.floor(last * thresholds.early))
  const fall = values[0] - Math.min(...values)
  const first = values[0] - Math.min(...values.slice(0, early + 1))
  const restless = restlessness(chosen)
  const share = Math.round((100 * first) / fall)
  const atOnce = last >= 6 && at <= early && fall > 0 && first / fall >= thresholds.jump
  const jumps = restless !== undefined && restless >= thresholds.wobble && !/rewards/.test(chosen.name)
  return [
    ...(atOnce
      ? [
          `${share} % of its deepest fall happens by step ${chosen.steps[early]}, in the first ` +
            `${Math.round(100 * thresholds.early)} % of the stage`,
        ]
      : []),
    ...(jumps
      ? [`it jumps by ${(100 * restless).toFixed(1)} % of its level from one evaluation to the next`]
      : []),
  ]
}

/** Said where a walk without direction would have got as far. */
export const wanders = ({ curve, move }: Evidence): readonly string[] =>
  move.wandering !== undefined && Math.abs(move.change) < thresholds.clear * move.wandering
    ? [
        `${curve} wanders: without any direction a curve of its step would be ${figure(move.wandering)} away by now (σ√n), ` +
          'so that this run alone does not prove the fall; another seed or order of the data would',
      ]
    : []

/** Types that are neither trained up nor down. */
export const othersFrom = (others: readonly Track[], step: number) => {
  const all = others.flatMap((track) => speak(track, step, `log π of ${track.type}`) ?? [])
  return { all, down: all.filter(({ direction }) => direction === 'down').length }
}
