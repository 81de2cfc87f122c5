/**
 * Progress on a terminal (ux.md §3.5): a block of up to three lines, redrawn in place at most ten times a second.
 *
 *   dpo     340/1250 ███████░░░░░░░░░░░░░  27%   1.9 updates/s   ETA 7m58s
 *   loss 0.5312 ▇▆▅▅▄▄▃▃▃▂   grad_norm 1.84   rewards/margins 2.10
 *   probe   chosen -61.2 ↓3.1   rejected -88.9 ↓19.4
 */
import { brief, duration, paceOf, remember, speed, type Clocked } from './pace.ts'
import { QUIET_MS, type ProgressEvent, type Reporter, type ReporterOptions } from './reporter.ts'

const FRAME_MS = 100
const WIDTH = 20
const BLOCKS = '▁▂▃▄▅▆▇█'
const HISTORY = 10

/** A series in one row of blocks, lowest to highest; '' for fewer than two values. */
export function sparkline(values: readonly number[]): string {
  if (values.length < 2) return ''
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const top = BLOCKS.length - 1
  return values.map((v) => BLOCKS[high > low ? Math.round(((v - low) / (high - low)) * top) : 0]).join('')
}

export interface BarState {
  readonly event: ProgressEvent
  readonly events: readonly Clocked[]
  /** The last values of `loss`. */
  readonly losses: readonly number[]
  /** The last probe values and those that they began with. */
  readonly probes: Readonly<Record<string, number>>
  readonly first: Readonly<Record<string, number>>
}

const same = (_format: string, text: string): string => text

/** The block's lines, none longer than `columns`. */
function barLines(state: BarState, options: Partial<ReporterOptions>, columns: number): string[] {
  const { ascii = false, style = same } = options
  const {
    event: { task, done, total, unit, metrics = {}, busy },
    events,
    losses,
    probes,
    first,
  } = state
  const { rate, eta } = paceOf(events, total)
  const part = total > 0 ? Math.min(1, done / total) : 0
  const filled = Math.round(part * WIDTH)
  const [full, empty] = ascii ? ['#', '.'] : ['█', '░']
  const bar = full.repeat(filled) + empty.repeat(WIDTH - filled)
  const pace = rate === undefined || eta === undefined ? '' : `   ${speed(rate, unit)}   ETA ${duration(eta)}`
  const head = `${task.padEnd(6)} ${done}/${total} ${bar} ${String(Math.floor(part * 100)).padStart(3)}%${pace}${busy ? `   ${busy}` : ''}`
  const numbers = Object.entries(metrics).map(([name, value]) => {
    const line = name === 'loss' && !ascii ? sparkline(losses) : ''
    return `${name} ${brief(value)}${line && ` ${line}`}`
  })
  const moved = Object.entries(probes).map(([type, value]) => {
    const delta = value - first[type]
    const arrow = ascii ? (delta < 0 ? '-' : '+') : delta < 0 ? '↓' : '↑'
    return `${type} ${value.toFixed(1)}${delta === 0 ? '' : ` ${arrow}${Math.abs(delta).toFixed(1)}`}`
  })
  return [
    style('bold', fit([head], columns)),
    ...(numbers.length > 0 ? [fit(numbers, columns)] : []),
    ...(moved.length > 0 ? [fit(['probe', ...moved], columns)] : []),
  ]
}

/** As many of the parts as fit on one line. */
function fit(parts: readonly string[], columns: number): string {
  let text = ''
  for (const part of parts) {
    const longer = text === '' ? part : `${text}   ${part}`
    if (longer.length > columns) return text === '' ? part.slice(0, columns) : text
    text = longer
  }
  return text
}

export function createBar(options: ReporterOptions): Reporter {
  const { stream, now = Date.now } = options
  let state: BarState | undefined
  let [begun, drawnAt, height] = [0, -Infinity, 0]

  const erase = (): string => (height > 0 ? `\x1b[${height}F\x1b[J` : '')
  const draw = (at: number): void => {
    if (!state) return
    const lines = barLines(state, options, Math.max(20, (stream.columns ?? 100) - 1))
    stream.write(`${erase()}${lines.join('\n')}\n`)
    ;[height, drawnAt] = [lines.length, at]
  }
  const end = (): void => {
    if (height > 0) draw(now())
    ;[state, height, drawnAt] = [undefined, 0, -Infinity]
  }
  return {
    update(event) {
      const at = now()
      if (event.task !== state?.event.task) {
        end()
        begun = at
      }
      const loss = event.metrics?.loss
      const probes = event.probes ?? state?.probes ?? {}
      state = {
        event: { ...event, metrics: event.metrics ?? state?.event.metrics },
        events: remember(state?.events ?? [], { at, done: event.done }),
        losses: [...(state?.losses ?? []), ...(loss === undefined ? [] : [loss])].slice(-HISTORY),
        probes,
        first: { ...probes, ...state?.first },
      }
      if (at - begun >= QUIET_MS && at - drawnAt >= FRAME_MS) draw(at)
    },
    note(text) {
      stream.write(`${erase()}${text}\n`)
      height = 0
      if (drawnAt > -Infinity) draw(now())
    },
    end,
    [Symbol.dispose]: end,
  }
}
