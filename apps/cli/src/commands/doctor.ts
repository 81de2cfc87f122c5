/** `ldyn doctor`: what this machine offers, which backends are there, and whether they compute right. */
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { explain } from '../contract/errors.ts'
import { examples } from '../program.ts'

// Loaded by functions of their own: TypeScript 6.0 leaves a `.ts` ending in an `import()` that shares a function with
// `using`, and the built file would not be found.
const loadBackends = () => import('../backends.ts')
const loadTiny = () => import('../checks/tiny.ts')

interface BackendReport {
  readonly name: string
  readonly available: boolean
  readonly device?: string
  readonly version?: string
  /** What the device bounds, in its own names. */
  readonly limits?: Readonly<Record<string, number>>
  /** Why it is not there and what to install, or what went wrong. */
  readonly why?: string
  /** Largest relative deviation from the reference, by what was computed. */
  readonly deviations?: Readonly<Record<string, number>>
  readonly seconds?: number
  readonly ok: boolean
}

interface Diagnosis {
  readonly ok: boolean
  readonly ldyn: string
  readonly node: string
  readonly platform: string
  readonly cpu: { readonly model: string; readonly threads: number }
  readonly memory: { readonly total: number; readonly free: number; readonly limit: number }
  readonly disk: { readonly path: string; readonly free: number }
  readonly tokenizer: { readonly ok: boolean; readonly why?: string }
  readonly backends: readonly BackendReport[]
}

export function register(program: Command, context: Context): void {
  const command = program
    .command('doctor')
    .description('what is here: machine, backends, and whether they compute right')
    .option('--all', 'also try every variant: execution providers, precisions, TensorFlow.js engines')
    .action(async ({ all = false }: { all?: boolean }) => {
      const diagnosis = await diagnose(context, all)
      context.output.result('doctor', diagnosis, () => render(diagnosis, context))
      if (!diagnosis.ok) context.exit(5)
    })
  examples(command, ['ldyn doctor', 'ldyn doctor --json'])
}

async function diagnose(context: Context, all: boolean): Promise<Diagnosis> {
  const { cpus, totalmem, freemem, availableParallelism } = await import('node:os')
  const { statfs } = await import('node:fs/promises')
  const { getHeapStatistics } = await import('node:v8')
  const { BACKENDS } = await loadBackends()
  const disk = await statfs('.')
  const specs = Object.entries(BACKENDS).flatMap(([name, { variants }]) =>
    variants.length === 0
      ? [name]
      : (all ? variants : variants.slice(0, 1)).map((variant) => `${name}:${variant}`),
  )
  const backends: BackendReport[] = []
  using progress = context.progress()
  for (const [i, name] of specs.entries()) {
    progress.update({ task: 'doctor', done: i, total: specs.length, unit: 'backends' })
    backends.push(await examine(name))
  }
  const tokenizer = await tokenizerReport()
  return {
    ok:
      tokenizer.ok &&
      backends.every((b) => b.ok || !b.available) &&
      backends.some((b) => b.available && b.name !== 'reference'),
    ldyn: context.version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: { model: cpus()[0]?.model.trim() ?? 'unknown', threads: availableParallelism() },
    memory: { total: totalmem(), free: freemem(), limit: getHeapStatistics().heap_size_limit },
    disk: { path: process.cwd(), free: disk.bavail * disk.bsize },
    tokenizer,
    backends,
  }
}

async function tokenizerReport(): Promise<Diagnosis['tokenizer']> {
  try {
    const { tokenizerCheck } = await import('../checks/tokenizer.ts')
    const wrong = tokenizerCheck()
    return wrong.length === 0
      ? { ok: true }
      : { ok: false, why: `changed by a round trip: ${JSON.stringify(wrong)}` }
  } catch (error) {
    return { ok: false, why: sentence(error) }
  }
}

async function examine(name: string): Promise<BackendReport> {
  try {
    const { openBackend } = await loadBackends()
    await using backend = await openBackend(name)
    const { device, version, limits } = backend.capabilities
    try {
      const { tinyCheck, TOLERANCE } = await loadTiny()
      const { deviations, seconds } = await tinyCheck(backend)
      const off = Object.entries(deviations).filter(([, d]) => !(d <= TOLERANCE))
      const why =
        off.length > 0
          ? `${off.map(([what, d]) => `${what} is off by ${d.toExponential(1)}`).join(', ')} (allowed: ${TOLERANCE})`
          : undefined
      return { name, available: true, device, version, limits, deviations, seconds, why, ok: off.length === 0 }
    } catch (error) {
      // Some execution providers open well and fail at the first program.
      return { name, available: false, device, version, limits, why: sentence(error), ok: false }
    }
  } catch (error) {
    return { name, available: false, why: sentence(error), ok: false }
  }
}

function sentence(error: unknown): string {
  const known = explain(error)
  if (known) return known.why || known.what
  return error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
}

const GiB = 2 ** 30
const gib = (bytes: number): string => `${(bytes / GiB).toFixed(1)} GiB`

const limitsLine = (limits: Readonly<Record<string, number>>): string =>
  `limits: ${Object.entries(limits)
    .map(([name, n]) => `${name} ${n >= 2 ** 20 && /size/i.test(name) ? `${(n / 2 ** 20).toFixed(0)} MiB` : n}`)
    .join(', ')}`

function render(d: Diagnosis, { output }: Context): string {
  const mark = (ok: boolean): string => (ok ? output.style('green', 'ok  ') : output.style('red', 'FAIL'))
  const backends = d.backends.flatMap((b) => {
    if (!b.available) return [`${output.style('yellow', '--  ')} ${b.name.padEnd(12)} ${b.why ?? ''}`]
    const most = Object.entries(b.deviations ?? {}).reduce((a, e) => (e[1] > a[1] ? e : a), ['', 0] as [
      string,
      number,
    ])
    const agreed =
      b.name === 'reference'
        ? '   the oracle'
        : b.ok
          ? `   agrees with the reference to ${most[1].toExponential(1)}${most[0] && ` (${most[0]})`}`
          : ''
    return [
      `${mark(b.ok)} ${b.name.padEnd(12)} ${b.device}   ${b.version}${agreed}`,
      ...(b.limits === undefined ? [] : [`     ${output.style('dim', limitsLine(b.limits))}`]),
      ...(b.why === undefined ? [] : [`     ${b.why}`]),
    ]
  })
  return [
    `     ldyn ${d.ldyn}, node ${d.node}, ${d.platform}`,
    `     cpu ${d.cpu.model}, ${d.cpu.threads} threads`,
    `     memory ${gib(d.memory.free)} free of ${gib(d.memory.total)}; JavaScript heap up to ${gib(d.memory.limit)}`,
    `     disk ${gib(d.disk.free)} free at ${d.disk.path}`,
    `${mark(d.tokenizer.ok)} tokenizer    ${d.tokenizer.ok ? 'round trip' : d.tokenizer.why}`,
    ...backends,
  ].join('\n')
}
