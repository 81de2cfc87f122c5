import { CommanderError } from 'commander'
import { describe, expect, it } from 'vitest'
import { commands } from './commands/index.ts'
import type { Context } from './context.ts'
import { CliError } from './contract/errors.ts'
import { createOutput } from './contract/output.ts'
import { createProgram, usageError } from './program.ts'
import { createReporter } from './progress/reporter.ts'

/** The program with its words kept. */
function program() {
  const said = { out: '', err: '', code: 0 }
  const context: Context = {
    options: { color: 'never', progress: 'none' },
    output: createOutput({
      stdout: { write: (text) => void (said.out += text) },
      stderr: { write: (text) => void (said.err += text) },
      env: {},
    }),
    env: {},
    version: '1.2.3',
    progress: () => createReporter('none', { stream: { write() {} } }),
    onInterrupt: () => ({ [Symbol.dispose]() {} }),
    exit: (code) => void (said.code = code),
  }
  return { said, program: createProgram(context, commands) }
}

async function refused(...argv: string[]): Promise<CliError> {
  const { program: parser } = program()
  try {
    await parser.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CliError) return error
    if (error instanceof CommanderError) return usageError(error, parser, argv)!
    throw error
  }
  throw new Error('it was accepted')
}

describe('a wrong command line', () => {
  it('with an unknown command offers the nearest', async () => {
    const error = await refused('observ')
    expect(error).toMatchObject({ code: 'LD2001', exit: 2 })
    expect(error.fix).toContain('did you mean observe?')
  })
  it('with a command of another tool says where that is here', async () => {
    expect((await refused('compare', 'a', 'b')).fix).toContain('`ldyn plot A B` draws runs over each other')
    expect((await refused('watch')).fix).toContain('`ldyn view` shows a run live')
  })
  it('with an option as another trainer calls it, or nearly so, offers ours', async () => {
    for (const [given, ours] of [['--learning_rate', '--lr'], ['--lerning-rate', '--lr'], ['--output_dir', '--out']])
      expect((await refused('train', given, '1')).fix).toContain(`did you mean ${ours}?`)
    // Only where the command has it.
    expect((await refused('observe', '--model', 'm', '--probe', 'p', '--learning-rate', '1')).fix).not.toContain('--lr')
  })
  it('with an unknown option offers the nearest, and names the command', async () => {
    const error = await refused('observe', '--prob', 'x')
    expect(error).toMatchObject({ code: 'LD2002', where: 'ldyn observe' })
    expect(error.fix).toContain('did you mean --probe?')
  })
  it.each([
    ['a missing argument', ['model', 'show'], 'LD2003'],
    ['a missing option', ['observe', '--model', 'm'], 'LD2003'],
    ['too many arguments', ['model', 'show', 'a', 'b'], 'LD2003'],
    ['a choice that there is not', ['model', 'export', 'm', '--out', 'o', '--dtype', 'f8'], 'LD2003'],
    ['options that exclude each other', ['model', 'export', 'm', '--out', 'o', '--onnx', 'f'], 'LD2004'],
    ['a number that is none', ['observe', '--model', 'm', '--probe', 'p', '--limit', 'all'], 'LD2003'],
    ['a group without a verb', ['model'], 'LD2003'],
    ['an unknown topic', ['help', 'metrcs'], 'LD2005'],
  ])('with %s is exit code 2', async (_, argv, code) => {
    expect(await refused(...argv)).toMatchObject({ code, exit: 2 })
  })
})

describe('help', () => {
  it('leads with examples', async () => {
    const { said, program: parser } = program()
    await parser.parseAsync(['help', 'observe'], { from: 'user' })
    expect(said.out).toMatch(/^Examples:\n {2}\$ ldyn observe /)
  })
  it.each(['exit-codes', 'data', 'metrics', 'LD3002', 'ld3002'])('has a page on %s', async (topic) => {
    const { said, program: parser } = program()
    await parser.parseAsync(['help', topic], { from: 'user' })
    expect(said.out.length).toBeGreaterThan(80)
  })
  it('of a subcommand is found by its words', async () => {
    const { said, program: parser } = program()
    await parser.parseAsync(['help', 'model', 'export'], { from: 'user' })
    expect(said.out).toContain('Usage: ldyn model export')
  })
  it('lists every command that is registered', () => {
    const { program: parser } = program()
    const names = parser.commands.map((c) => c.name())
    for (const name of ['train', 'observe', 'probe', 'model', 'config', 'doctor', 'help'])
      expect(names).toContain(name)
  })
})
