/**
 * How fast a task goes and when it will be over. The rate is that of the last half minute (or the last eight events
 * where those took longer), since the first steps also compile programs.
 */
const WINDOW_MS = 30_000
const LEAST = 8

export interface Pace {
  /** Units a second; undefined before there are two events. */
  readonly rate?: number
  /** Milliseconds to go. */
  readonly eta?: number
}

export interface Clocked {
  readonly at: number
  readonly done: number
}

/** The events that still count, the new one last. */
export function remember(events: readonly Clocked[], event: Clocked): Clocked[] {
  const all = [...events, event]
  return all.filter(({ at }, i) => event.at - at <= WINDOW_MS || all.length - i <= LEAST)
}

export function paceOf(events: readonly Clocked[], total: number): Pace {
  const [first, last] = [events[0], events.at(-1)]
  if (!first || !last || last.at <= first.at || last.done <= first.done) return {}
  const rate = ((last.done - first.done) * 1000) / (last.at - first.at)
  return { rate, eta: ((total - last.done) / rate) * 1000 }
}

/** `7m58s`, `42s`, `3h05m`, `2d04h`. */
export function duration(ms: number): string {
  const s = Math.round(ms / 1000)
  const two = (n: number): string => String(n).padStart(2, '0')
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}s`
  if (s < 86400) return `${Math.floor(s / 3600)}h${two(Math.floor((s % 3600) / 60))}m`
  return `${Math.floor(s / 86400)}d${two(Math.floor((s % 86400) / 3600))}h`
}

/** `1.9 updates/s`, or for slow ones `3.1 s/update`. */
export function speed(rate: number, unit: string): string {
  return rate >= 1
    ? `${rate.toFixed(rate < 10 ? 1 : 0)} ${unit}/s`
    : `${(1 / rate).toFixed(1)} s/${unit.replace(/s$/, '')}`
}

/** A number in few characters: 0.5312, -151.98, 1.2e-7, 12345. */
export function brief(x: number): string {
  if (!Number.isFinite(x)) return String(x)
  const a = Math.abs(x)
  if (a === 0) return '0'
  if (a < 1e-3 || a >= 1e6) return x.toExponential(1)
  return a >= 1000
    ? x.toFixed(0)
    : a >= 100
      ? x.toFixed(1)
      : a >= 10
        ? x.toFixed(2)
        : x.toFixed(4).replace(/(\.\d\d)0+$/, '$1')
}
