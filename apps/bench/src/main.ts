/**
 * `npm run bench`: our probe evaluation and our DPO step beside the same work done the released code's way in PyTorch.
 * stdout is the results, stderr the progress; the exit code is 1 where the sides disagree or something failed.
 */
import { allocatorEnvironment } from '@ldyn/backend-onnx/environment'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compare, type ShapeResult } from './compare.ts'
import { describeMachine } from './machine.ts'
import { findPython, offline, PEER, saveWeights } from './python.ts'
import { disagreements, results, type Report } from './report/results.ts'
import { shapeNames, type ShapeName } from './shapes.ts'
import { openSide, type Side } from './side.ts'

const RESULTS = fileURLToPath(new URL('../RESULTS.md', import.meta.url))

const USAGE = `npm run bench -- [options]

  --shape NAME     ${shapeNames.join(', ')}; may be given more than once (default: all)
  --repeat N       timed rounds (default 5)
  --threads N      threads of each side (default 2, at most the machine's)
  --python PATH    a Python with torch and transformers (default: $LDYN_PYTHON, python3, python)
  --no-peer        ours alone
  --no-spin        our threads sleep, rather than spin, between pieces of work
  --results FILE   where the results go as Markdown (default: apps/bench/RESULTS.md when all shapes and the peer are run)
  --json FILE      everything that was measured
`

const OURS = fileURLToPath(new URL('./ours.js', import.meta.url))
const say = (text: string): boolean => process.stderr.write(`${text}\n`)

interface Options {
  readonly shapes: readonly ShapeName[]
  readonly repeat: number
  readonly threads: number
  readonly spin: boolean
  readonly peer: boolean
  readonly python?: string
  readonly results?: string
  readonly json?: string
}

class UsageError extends Error {}

function optionsOf(argv: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      shape: { type: 'string', multiple: true },
      repeat: { type: 'string', default: '5' },
      threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
      python: { type: 'string' },
      'no-peer': { type: 'boolean', default: false },
      'no-spin': { type: 'boolean', default: false },
      results: { type: 'string' },
      json: { type: 'string' },
    },
  })
  if (values.help) return undefined
  const count = (name: 'repeat' | 'threads', most: number): number => {
    const n = Number(values[name])
    if (!Number.isInteger(n) || n < 1 || n > most)
      throw new UsageError(`--${name} is '${values[name]}'; it must be a whole number from 1 to ${most}`)
    return n
  }
  const isShape = (name: string): name is ShapeName => shapeNames.some((known) => known === name)
  const given = values.shape ?? shapeNames
  const unknown = given.find((name) => !isShape(name))
  if (unknown) throw new UsageError(`there is no shape '${unknown}'; there are ${shapeNames.join(', ')}`)
  const { python, results: file, json } = values
  return {
    shapes: given.filter(isShape), repeat: count('repeat', 100), threads: count('threads', 1024),
    spin: !values['no-spin'], peer: !values['no-peer'], python, results: file, json,
  }
}

/** Runs one shape: writes weights for both sides to load, starts the sides, and clears up after them. */
async function runShape(shape: ShapeName, options: Options, python: string | undefined): Promise<ShapeResult> {
  const began = performance.now()
  const directory = mkdtempSync(join(tmpdir(), 'ldyn-bench-'))
  const remove = (): void => rmSync(directory, { recursive: true, force: true })
  process.once('exit', remove)
  const sides: Side[] = []
  try {
    const common = ['--shape', shape, '--threads', String(options.threads)]
    if (python) {
      say(`${shape}: writing weights`)
      await saveWeights(python, shape, directory)
      common.push('--weights', directory)
    }
    const spin = options.spin ? [] : ['--no-spin']
    const args = [OURS, ...common, ...spin]
    const ours = await openSide({ name: 'ldyn', command: process.execPath, args, env: allocatorEnvironment, seconds: 600 })
    sides.push(ours)
    let theirs: Side | undefined
    if (python) {
      theirs = await openSide({ name: 'PyTorch', command: python, args: [PEER, ...common], env: offline(), seconds: 600 })
      sides.push(theirs)
    }
    const result = await compare(shape, ours, theirs, options.repeat, (what) => say(`${shape}: ${what}`))
    say(`${shape}: done in ${((performance.now() - began) / 1000).toFixed(0)} s`)
    return result
  } finally {
    await Promise.all(sides.map((side) => side.close()))
    process.off('exit', remove)
    remove()
  }
}

async function bench(options: Options): Promise<number> {
  const machine = describeMachine()
  const found = options.peer ? await findPython(options.python) : { why: '--no-peer was given.' }
  if ('why' in found) say(`Ours alone: ${found.why}`)
  const began = performance.now()
  const shapes: ShapeResult[] = []
  for (const shape of options.shapes) {
    try {
      shapes.push(await runShape(shape, options, 'python' in found ? found.python : undefined))
    } catch (error) {
      // What the other shapes gave is still worth having.
      say(`${shape} failed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const failed = options.shapes.length - shapes.length
  if (shapes.length === 0) return 1
  const report: Report = {
    date: new Date().toISOString().slice(0, 10), machine, threads: options.threads, repeat: options.repeat,
    spin: options.spin, shapes, withoutPeer: 'why' in found ? found.why : undefined,
  }
  const text = results(report)
  process.stdout.write(text)
  const complete = 'python' in found && shapeNames.every((name) => shapes.some((s) => s.shape === name))
  const file = options.results ?? (complete ? RESULTS : undefined)
  if (file) writeFileSync(file, text)
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ schema: 'ldyn.bench/1', ...report }, null, 2)}\n`)
  for (const written of [file, options.json]) if (written) say(`wrote ${written}`)
  const wrong = disagreements(shapes)
  for (const sentence of wrong) say(`The sides disagree: ${sentence}`)
  say(`${shapes.length} of ${options.shapes.length} shapes measured in ${((performance.now() - began) / 1000).toFixed(0)} s`)
  return wrong.length === 0 && failed === 0 ? 0 : 1
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(signal === 'SIGINT' ? 130 : 143))

try {
  const options = optionsOf(process.argv.slice(2))
  if (options) process.exitCode = await bench(options)
  else process.stdout.write(USAGE)
} catch (error) {
  const usage = error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = usage ? 2 : 1
}
