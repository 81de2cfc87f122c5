import { describe, expect, it } from 'vitest'
import { sparkline } from './bar.ts'
import { brief, duration, paceOf, remember, speed } from './pace.ts'
import { createReporter, type ProgressMode } from './reporter.ts'
import { createTerminal } from './terminal.ts'

/** A clock that stands where it is put, and a stream that keeps what it is given. */
function bench(mode: ProgressMode, isTTY = false) {
  const state = { at: 0, text: '' }
  const stream = { write: (text: string) => void (state.text += text), isTTY, columns: 80 }
  return { state, reporter: createReporter(mode, { stream, now: () => state.at }), stream }
}
const event = (done: number, total = 100, task = 'dpo') => ({ task, done, total, unit: 'updates' })

describe('plain progress', () => {
  it('says nothing of a task that is over within two seconds', () => {
    const { state, reporter } = bench('plain')
    for (let i = 0; i <= 100; i++) {
      state.at = i * 19
      reporter.update(event(i))
    }
    reporter.end()
    expect(state.text).toBe('')
  })

  it('writes a line each 10 s where a percent takes longer', () => {
    const { state, reporter } = bench('plain')
    for (let i = 0; i <= 30; i++) {
      state.at = i * 1000
      reporter.update(event(i, 100_000))
    }
    expect(state.text.trim().split('\n')).toHaveLength(3)
    expect(state.text).toContain('dpo 30/100000 updates 0%  1.0 updates/s  ETA 1d03h')
  })

  it('writes no more than a line each 2 s where percents fly by', () => {
    const { state, reporter } = bench('plain')
    for (let i = 0; i <= 100; i++) {
      state.at = i * 100
      reporter.update(event(i))
    }
    expect(state.text.trim().split('\n')).toHaveLength(5)
  })

  it('ends a shown task with its last state', () => {
    const { state, reporter } = bench('plain')
    reporter.update(event(0))
    state.at = 3000
    reporter.update({ ...event(50), metrics: { loss: 0.69314 } })
    state.at = 3100
    reporter.update(event(100))
    reporter.end()
    expect(state.text).toBe(
      'dpo 50/100 updates 50%  17 updates/s  ETA 3s  loss 0.6931\ndpo 100/100 updates 100%\n',
    )
  })
})

describe('progress on a terminal', () => {
  it('is redrawn in place, at most ten times a second, within the width', () => {
    const { state, reporter } = bench('auto', true)
    reporter.update(event(0))
    state.at = 2000
    reporter.update({
      ...event(20),
      metrics: { loss: 1, grad_norm: 2 },
      probes: { chosen: -61.2, rejected: -88.9 },
    })
    const first = state.text
    expect(first.split('\n')[0]).toBe('dpo    20/100 ████░░░░░░░░░░░░░░░░  20%   10 updates/s   ETA 8s')
    state.at = 2050
    reporter.update(event(21))
    expect(state.text).toBe(first)
    state.at = 2200
    reporter.update({ ...event(22), metrics: { loss: 0.5 }, probes: { chosen: -64.3, rejected: -88.9 } })
    const second = state.text.slice(first.length)
    expect(second.startsWith('\x1b[3F\x1b[J')).toBe(true)
    expect(second).toContain('chosen -64.3 ↓3.1   rejected -88.9')
    for (const line of second.replace('\x1b[3F\x1b[J', '').split('\n')) expect(line.length).toBeLessThan(80)
  })

  it('keeps a note above the block', () => {
    const { state, reporter } = bench('bar', true)
    reporter.update(event(0))
    state.at = 2500
    reporter.update(event(10))
    const before = state.text.length
    reporter.note('careful')
    expect(state.text.slice(before)).toMatch(/^\x1b\[1F\x1b\[Jcareful\ndpo /)
  })

  it('draws in ASCII where asked', () => {
    const state = { at: 0, text: '' }
    const stream = { write: (text: string) => void (state.text += text), isTTY: true, columns: 80 }
    const reporter = createReporter('bar', { stream, now: () => state.at, ascii: true })
    reporter.update(event(0))
    state.at = 2500
    reporter.update({ ...event(50), metrics: { loss: 1 }, probes: { chosen: -1 } })
    expect(state.text).toMatch(/^[\x20-\x7e\n]+$/)
  })
})

describe('progress as JSON lines', () => {
  it('writes every event with elapsed time and ETA', () => {
    const { state, reporter } = bench('jsonl')
    reporter.update(event(0))
    state.at = 1000
    reporter.update({ ...event(25), metrics: { loss: 1 } })
    const [first, second] = state.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(first).toEqual({
      progress: 'dpo',
      done: 0,
      total: 100,
      unit: 'updates',
      elapsed_ms: 0,
      eta_ms: null,
    })
    expect(second).toMatchObject({ done: 25, metrics: { loss: 1 }, elapsed_ms: 1000, eta_ms: 3000 })
  })
})

describe('no progress', () => {
  it('still lets words through', () => {
    const { state, reporter } = bench('none')
    reporter.update(event(1))
    reporter.note('careful')
    expect(state.text).toBe('careful\n')
  })
})

describe('the terminal', () => {
  it('sends words through the reporter while one is at work', () => {
    const state = { at: 0, text: '' }
    const terminal = createTerminal({ write: (text) => void (state.text += text), isTTY: true, columns: 80 })
    const reporter = terminal.progress('bar', { now: () => state.at })
    reporter.update(event(0))
    state.at = 3000
    reporter.update(event(5))
    const before = state.text.length
    terminal.stream.write('careful\n')
    expect(state.text.slice(before)).toMatch(/^\x1b\[1F\x1b\[Jcareful\n/)
    reporter[Symbol.dispose]()
    const after = state.text.length
    terminal.stream.write('plain\n')
    expect(state.text.slice(after)).toBe('plain\n')
  })
})

describe('pace', () => {
  it('counts the last half minute, so that a slow start does not last', () => {
    let events = remember([], { at: 0, done: 0 })
    events = remember(events, { at: 20_000, done: 1 })
    for (let i = 2; i <= 60; i++) events = remember(events, { at: 20_000 + i * 1000, done: i })
    expect(paceOf(events, 100).rate).toBeCloseTo(1)
    expect(paceOf(events, 100).eta).toBeCloseTo(40_000)
  })
  it('is not known from one event', () => {
    expect(paceOf([{ at: 0, done: 0 }], 10)).toEqual({})
  })
  it('is written briefly', () => {
    expect([duration(478_000), duration(42_000), duration(11_100_000), duration(187_200_000)]).toEqual([
      '7m58s',
      '42s',
      '3h05m',
      '2d04h',
    ])
    expect([speed(1.94, 'updates'), speed(0.32, 'updates')]).toEqual(['1.9 updates/s', '3.1 s/update'])
    expect([brief(0.5312), brief(-151.98), brief(1.2e-7), brief(1234567), brief(1)]).toEqual([
      '0.5312',
      '-152.0',
      '1.2e-7',
      '1.2e+6',
      '1.00',
    ])
    expect(sparkline([3, 2, 1])).toBe('█▅▁')
  })
})
