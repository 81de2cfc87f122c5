/** A verdict as a table: a line a metric, a column a backend, and what is off in words. */
import type { Deviation, LayerDeviation } from '@ldyn/lab'
import type { Output } from '../contract/output.ts'
import { OP_TOLERANCE, type BackendVerdict, type Verdict } from './verify.ts'

export function renderVerdict(verdict: Verdict, output: Output): string {
  const [first, ...others] = verdict.backends
  const metrics = [...new Set(others.flatMap(({ deviations }) => deviations.map(({ metric }) => metric)))]
  const wide = Math.max(...metrics.map((metric) => metric.length), ...verdict.backends.map((b) => b.backend.length))
  const cell = (deviation: number | undefined): string => {
    const text = deviation === undefined ? '' : shown(deviation)
    const style = deviation !== undefined && !(deviation <= verdict.tolerance) ? 'red' : 'green'
    return output.style(style, text.padStart(12))
  }
  const of = ({ deviations }: BackendVerdict, metric: string): Deviation | undefined =>
    deviations.find((d) => d.metric === metric)
  const devices = verdict.backends.map(
    (b) => `${b.backend.padEnd(wide)}  ${b.device}   ${b.version}   ${b.seconds.toFixed(1)} s`,
  )
  return [
    `${verdict.model}: ${verdict.responses} responses of ${verdict.rows} rows, and one update`,
    ...devices,
    '',
    `${`largest deviation from ${first.backend}`.padEnd(wide)}`,
    output.style('dim', `${''.padEnd(wide)}${others.map((b) => b.backend.padStart(12)).join('')}`),
    ...metrics.map((m) => `${m.padEnd(wide)}${others.map((b) => cell(of(b, m)?.deviation)).join('')}`),
    ...others.flatMap((b) => [...layersOf(b), ...traced(b, first.backend)]),
    '',
    ...others.map((b) => sentence(b, first.backend, verdict.tolerance, output)),
  ].join('\n')
}

const shown = (deviation: number): string => (deviation === 0 ? '0' : deviation.toExponential(1))

function sentence(b: BackendVerdict, first: string, tolerance: number, output: Output): string {
  const worst = b.deviations.reduce((a, d) => (d.deviation > a.deviation ? d : a))
  const where = worst.response ? ` (row ${worst.response.example}, ${worst.response.type})` : ''
  if (b.agrees)
    return `${output.style('green', 'agrees  ')} ${b.backend} with ${first} to ${shown(worst.deviation)}${
      worst.deviation === 0 ? '' : ` in ${worst.metric}${where}`
    }, ${tolerance} allowed`
  return (
    `${output.style('red', 'DIFFERS ')} ${b.backend} from ${first} by ${shown(worst.deviation)} in ${worst.metric}${where}: ` +
    `${worst.value} where ${first} has ${worst.expected}; ${tolerance} allowed`
  )
}

const layersOf = ({ layers, backend }: BackendVerdict): string[] => {
  if (!layers) return []
  const line = ({ path, deviation, norm }: LayerDeviation): string =>
    `${shown(deviation).padStart(9)}  ‖g‖ ${norm.toExponential(2)}  ${path}`
  return ['', `gradients of ${backend}, ‖x − r‖ / ‖r‖`, ...layers.map(line)]
}

function traced({ firstOp, backend }: BackendVerdict, first: string): string[] {
  if (!firstOp) return []
  const { found, largest, values, program } = firstOp
  if (found) {
    const where = found.path === '' ? '' : ` of ${found.path}`
    return [
      '',
      `first op that disagrees: ${found.op}${where} → ${found.result}, in the ${program}`,
      `  given the inputs that ${first} has, ${backend} is off by ${shown(found.deviation)} (${OP_TOLERANCE} is rounding)`,
    ]
  }
  return [
    '',
    `no op of ${backend} disagrees by itself: ${values} values compared, the largest deviation is ` +
      `${shown(largest?.deviation ?? 0)} (${largest ? `${largest.op}${largest.path && ` of ${largest.path}`}` : 'none'})`,
    '  what is left is rounding that adds up, or ops that go wrong only when they are fused',
  ]
}
