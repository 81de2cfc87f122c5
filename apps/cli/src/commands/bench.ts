/** `ldyn bench`: how fast our own backends are here. (apps/bench of the repository times us against others.) */
import { Option, type Command } from 'commander'
import type { MatmulPrecision } from '@ldyn/backend-webgpu'
import { BACKEND_HELP, backendNamed } from '../backends.ts'
import type { BenchRequest } from '../bench/backends.ts'
import type { StepProfile } from '../bench/profile.ts'
import { SHAPE_NAMES, type ShapeName } from '../bench/shapes.ts'
import type { Context } from '../context.ts'
import { listed, positive } from '../contract/arguments.ts'
import { CliError } from '../contract/errors.ts'
import { examples } from '../program.ts'

// See doctor.ts for why these are functions of their own.
const loadBackends = () => import('../bench/backends.ts')
const loadTable = () => import('../bench/table.ts')
const loadGpu = () => import('../bench/gpu.ts')
const loadProfile = () => import('../bench/profile.ts')

const sizes = (text: string): number[] => listed(text).map(positive('--matmul'))
function shapes(text: string): ShapeName[] {
  const unknown = listed(text).find((name) => !SHAPE_NAMES.includes(name as ShapeName))
  if (unknown === undefined) return listed(text) as ShapeName[]
  throw new CliError({
    code: 'LD2003',
    what: `there is no shape '${unknown}'`,
    where: '--shapes',
    fix: `shapes are ${SHAPE_NAMES.join(', ')}`,
  })
}

interface Flags {
  readonly backends: readonly string[]
  readonly matmul: readonly number[]
  readonly shapes: readonly ShapeName[]
  readonly pairs: number
  readonly prompt: number
  readonly response: number
  readonly repeat: number
  readonly threads?: number
}

const sized = (command: Command, matmul: readonly number[], of: readonly ShapeName[]): Command =>
  command
    .addOption(new Option('--matmul <list>', 'sizes of square products').argParser(sizes).default(matmul, matmul.join()))
    .addOption(new Option('--shapes <list>', `models: ${SHAPE_NAMES.join(', ')}`).argParser(shapes).default(of, of.join()))
    .option('--pairs <n>', 'pairs in a DPO update', positive('--pairs'), 4)
    .option('--prompt <n>', 'tokens of a prompt', positive('--prompt'), 96)
    .option('--response <n>', 'tokens of a response', positive('--response'), 64)
    .option('--repeat <n>', 'timed runs of each, the fastest counts', positive('--repeat'), 3)
    .option('--threads <n>', 'threads that compute', positive('--threads'))

export function register(program: Command, context: Context): void {
  const group = program.command('bench').description('how fast the backends are on this machine')
  const backends = sized(
    group
      .command('backends')
      .description('one table: matrix products and a training step on each backend')
      .option('--backends <list>', `which (${BACKEND_HELP})`, listed, ['onnx', 'webgpu', 'tfjs']),
    [256, 512, 1024],
    ['tiny'],
  ).action((flags: Flags) => timeAll(flags, context))
  const gpu = sized(
    group
      .command('gpu')
      .description('for whoever has a card: the conformance suite, then speed in f32 and half precision')
      .option('--backends <list>', 'which', listed, ['webgpu', 'webgpu:split-f16', 'webgpu:f16', 'tfjs:node-gpu'])
      .option('--programs <n>', 'random programs in the conformance suite', positive('--programs'), 100)
      .option('--profile', 'instead: one update of each shape on each webgpu backend, kernel by kernel'),
    [1024, 2048, 4096, 8192],
    ['pythia-70m', 'smollm2-135m', 'pythia-160m', 'pythia-410m'],
  ).action((flags: Flags & { programs: number; profile?: boolean }) =>
    flags.profile ? profileSteps(flags, context) : conformThenTime(flags, context),
  )
  examples(backends, ['ldyn bench backends', 'ldyn bench backends --backends onnx,tfjs:node --shapes smollm2-135m'])
  examples(gpu, ['ldyn bench gpu', 'ldyn bench gpu --backends webgpu,onnx:webgpu --json > card.json', 'ldyn bench gpu --profile --shapes pythia-70m'])
}

const request = (flags: Flags, progress: BenchRequest['progress']): BenchRequest => ({
  backends: flags.backends,
  threads: flags.threads,
  sizes: flags.matmul,
  shapes: flags.shapes,
  step: { pairs: flags.pairs, prompt: flags.prompt, response: flags.response },
  repeat: flags.repeat,
  progress,
})

async function timeAll(flags: Flags, context: Context): Promise<void> {
  const { output } = context
  const { timeBackends } = await loadBackends()
  const { renderTimings } = await loadTable()
  using progress = context.progress()
  const timings = await timeBackends(request(flags, progress))
  progress.end()
  output.result('bench backends', { timings }, () => renderTimings(timings, output))
}

async function profileSteps({ backends, shapes, pairs, prompt, response }: Flags, context: Context): Promise<void> {
  const { profileStep, renderProfile } = await loadProfile()
  const variants = backends.map(backendNamed).filter(({ name }) => name === 'webgpu')
  const profiles: StepProfile[] = []
  using progress = context.progress()
  for (const shape of shapes) {
    for (const { variant } of variants) {
      progress.update({ task: `${shape}, ${variant}`, done: profiles.length, total: shapes.length * variants.length, unit: 'profiles' })
      profiles.push(await profileStep(shape, { pairs, prompt, response }, variant as MatmulPrecision))
    }
  }
  progress.end()
  context.output.result('bench gpu', { profiles }, () => profiles.map((p) => renderProfile(p).join('\n')).join('\n\n'))
}

async function conformThenTime(flags: Flags & { programs: number }, context: Context): Promise<void> {
  const { output } = context
  const { conformanceOf, renderRoofline } = await loadGpu()
  const { timeBackends } = await loadBackends()
  const { renderTimings } = await loadTable()
  using progress = context.progress()
  const [first] = flags.backends
  const conformance = await conformanceOf(first, flags.programs, progress)
  const { passed, failed, skipped, seconds } = conformance
  output.note(
    `${first} on ${conformance.device}: ${passed} passed, ${failed.length} failed, ${skipped.length} skipped in ${seconds.toFixed(0)} s`,
  )
  const timings = await timeBackends({ ...request(flags, progress), note: (text) => output.note(text) })
  progress.end()
  const least = await renderRoofline(flags.matmul)
  output.result('bench gpu', { conformance, timings }, () =>
    [
      `${output.style(failed.length === 0 ? 'green' : 'red', failed.length === 0 ? 'ok  ' : 'FAIL')} conformance of ${first}: ` +
        `${passed} passed, ${failed.length} failed, ${skipped.length} skipped in ${seconds.toFixed(0)} s`,
      ...failed.map(({ group, name, why }) => `     ${group} › ${name}: ${why ?? ''}`),
      '',
      renderTimings(timings, output),
      ...least,
    ].join('\n'),
  )
  if (failed.length > 0) context.exit(7)
}
