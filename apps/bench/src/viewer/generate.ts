// `node apps/bench/dist/viewer/generate.js --evaluations 1000 --probes 500 --types 14 --per-token --out dir`: runs
// of any size for the viewer, the same for the same seed.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeLargeRun, type RunSize } from './large-run.ts'

const USAGE = `node dist/viewer/generate.js --out DIR [options]

  --evaluations N  evaluations of each run (default 1000)
  --probes N       probes (default 500)
  --types N        response types (default 14)
  --per-token      log-probs of every response token too
  --runs N         so many runs, in DIR/run-00, DIR/run-01, …, each from a seed of its own (default 1, in DIR itself)
  --seed N         (default 7)
  --out DIR        must not be there yet
`

const options = {
  evaluations: { type: 'string', default: '1000' },
  probes: { type: 'string', default: '500' },
  types: { type: 'string', default: '14' },
  runs: { type: 'string', default: '1' },
  seed: { type: 'string', default: '7' },
  'per-token': { type: 'boolean', default: false },
  out: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const say = (text: string): boolean => process.stderr.write(text)

const main = async (): Promise<void> => {
  const { values } = parseArgs({ options })
  if (values.help) return void process.stdout.write(USAGE)
  if (values.out === undefined) throw new Error(`Where to? --out is missing.\n\n${USAGE}`)
  const count = (name: 'evaluations' | 'probes' | 'types' | 'runs' | 'seed', most: number): number => {
    const n = Number(values[name])
    if (!Number.isInteger(n) || n < 1 || n > most)
      throw new Error(`--${name} is "${values[name]}"; it must be a whole number from 1 to ${most}`)
    return n
  }
  const runs = count('runs', 1000)
  const size: RunSize = {
    evaluations: count('evaluations', 100_000),
    probes: count('probes', 10_000),
    types: count('types', 64),
    seed: count('seed', 1e9),
    perToken: values['per-token'],
  }
  for (let r = 0; r < runs; r++) {
    const id = runs === 1 ? 'large' : `run-${String(r).padStart(2, '0')}`
    const directory = runs === 1 ? values.out : join(values.out, id)
    const every = Math.max(1, Math.floor(size.evaluations / 20))
    await writeLargeRun(
      directory,
      { ...size, seed: size.seed + r },
      { id, told: done => done % every === 0 && say(`\r${directory}: ${done} of ${size.evaluations}`) },
    )
    say(`\r${directory}: written${' '.repeat(20)}\n`)
  }
}

await main().catch((error: unknown) => {
  say(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
