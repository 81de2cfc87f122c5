import { describe, expect, it } from 'vitest'
import { CliError } from './errors.ts'
import { createOutput, takesColour, type OutputOptions } from './output.ts'
import { onInterrupt, type SignalSource } from './signals.ts'

function captured(options: Partial<OutputOptions> = {}) {
  const said = { out: '', err: '' }
  const output = createOutput({
    stdout: { write: (text) => void (said.out += text) },
    stderr: { write: (text) => void (said.err += text) },
    env: {},
    ...options,
  })
  return { said, output }
}

describe('output', () => {
  it('puts the result on stdout and everything else on stderr', () => {
    const { said, output } = captured()
    output.note('working')
    output.warn('careful')
    output.result('model show', { a: 1 }, () => 'the answer')
    expect(said).toEqual({ out: 'the answer\n', err: 'working\nwarn   careful\n' })
  })

  it('wraps one object under --json, with the warnings', () => {
    const { said, output } = captured({ json: true })
    output.warn('careful')
    output.result('model show', { a: 1 }, () => 'not this')
    expect(said.out).toBe(
      '{"schema":"ldyn.cli/1","ok":true,"command":"model show","data":{"a":1},"warnings":["careful"]}\n',
    )
  })

  it('tells a failure on both under --json', () => {
    const { said, output } = captured({ json: true })
    output.fail('train', new CliError({ code: 'LD5004', what: 'the disk is full' }))
    expect(JSON.parse(said.out)).toMatchObject({ ok: false, command: 'train', error: { code: 'LD5004' } })
    expect(said.err).toContain('error[LD5004] the disk is full')
  })

  it('says less with --quiet and more with --verbose', () => {
    const quiet = captured({ quiet: true })
    quiet.output.note('a')
    quiet.output.detail('b')
    expect(quiet.said.err).toBe('')
    const verbose = captured({ verbose: true })
    verbose.output.note('a')
    verbose.output.detail('b')
    expect(verbose.said.err).toBe('a\nb\n')
  })

  it('colours where the stream takes it', () => {
    const tty = { write() {}, isTTY: true }
    expect(takesColour('auto', {}, tty)).toBe(true)
    expect(takesColour('auto', { NO_COLOR: '1' }, tty)).toBe(false)
    expect(takesColour('auto', { TERM: 'dumb' }, tty)).toBe(false)
    expect(takesColour('auto', { FORCE_COLOR: '1' }, { write() {} })).toBe(true)
    expect(takesColour('always', { NO_COLOR: '1' }, { write() {} })).toBe(true)
    expect(takesColour('never', {}, tty)).toBe(false)
    expect(captured({ colour: 'always' }).output.style('red', 'x')).toBe('\x1b[31mx\x1b[39m')
  })
})

describe('signals', () => {
  const source = () => {
    const listeners = new Map<string, () => void>()
    const process: SignalSource = {
      on: (signal, f) => listeners.set(signal, f),
      off: (signal) => listeners.delete(signal),
    }
    return { process, listeners }
  }

  it('ask once and end the second time', () => {
    const { process, listeners } = source()
    const asked: string[] = []
    const ended: number[] = []
    using _ = onInterrupt(
      process,
      (signal) => asked.push(signal),
      (code) => ended.push(code),
    )
    listeners.get('SIGINT')!()
    expect([asked, ended]).toEqual([['SIGINT'], []])
    listeners.get('SIGTERM')!()
    expect(ended).toEqual([143])
  })

  it('go back to the default when it is over', () => {
    const { process, listeners } = source()
    onInterrupt(
      process,
      () => {},
      () => {},
    )[Symbol.dispose]()
    expect(listeners.size).toBe(0)
  })
})
