/** `ldyn sim digits`: train a LeNet on drawn digits, look at its eNTK on the way, and say if its ranking settles. */
import { join } from 'node:path'
import { shellWord } from '@ldyn/figures'
import { writeSafetensorsFile } from '@ldyn/formats/node'
import { recordSimulation, studyDigits, type DigitsResult } from '@ldyn/lab'
import { openBackend } from '../backends.ts'
import type { DigitsFlags } from '../commands/sim.ts'
import type { Context } from '../context.ts'
import { INTERRUPTED, type StopSignal } from '../contract/exit-codes.ts'
import type { Output } from '../contract/output.ts'
import { aboutOf, outOf, told } from './about.ts'
import { labelled } from './text.ts'

const KERNEL_FILE = 'kernel-by-class.safetensors'

export async function simDigits(flags: DigitsFlags, context: Context): Promise<void> {
  const { output } = context
  const out = outOf(flags.out, 'digits')
  const { backend: name, threads, out: _, ...request } = flags
  await using backend = await openBackend(name, { threads })
  using progress = context.progress()
  let stopped: StopSignal | undefined
  using _interrupt = context.onInterrupt((signal) => {
    stopped = signal
    output.note('stopping after this update; what was seen is recorded')
  })
  const result = await told('ldyn sim digits', () =>
    studyDigits(backend, {
      ...request,
      progress: (done, total) => progress.update({ task: 'train', done, total, unit: 'updates' }),
      shouldStop: () => stopped !== undefined,
    }),
  )
  progress.end()
  const { device, version } = backend.capabilities
  await recordSimulation(out, result.simulation, await aboutOf(out, context, { name: backend.name, device, version }))
  await saveKernel(join(out, KERNEL_FILE), result)
  const { looks, confusion, rankWithLast } = result
  output.result('sim digits', { run: out, kernel: KERNEL_FILE, looks, rankWithLast, confusion }, () =>
    text(result, out, output),
  )
  if (stopped) context.exit(INTERRUPTED[stopped])
}

/** `norms` [looks, 10, 10], mean ‖K(o,u)‖_F with o along the rows, and `steps` [looks]. */
async function saveKernel(path: string, { looks }: DigitsResult): Promise<void> {
  const tensor = (name: string, shape: readonly number[], data: readonly number[]) => ({
    name,
    shape,
    dtype: 'F32' as const,
    data: async () => Float32Array.from(data),
  })
  await writeSafetensorsFile(path, [
    tensor('norms', [looks.length, 10, 10], looks.flatMap(({ norms }) => norms.flat())),
    tensor('steps', [looks.length], looks.map(({ step }) => step)),
  ])
}

function text({ looks, confusion, rankWithLast }: DigitsResult, out: string, output: Output): string {
  const last = looks.at(-1)!
  const column = (values: readonly (number | undefined)[], digits: number): string =>
    values.map((v) => (v === undefined ? '' : v.toFixed(digits)).padStart(7)).join('')
  const stable = looks.findIndex((_, i) => rankWithLast.slice(i).every((rho) => rho > 0.9))
  return [
    output.style('bold', `LeNet on drawn digits: ${last.step} updates, ${(100 * last.accuracy).toFixed(1)} % right of the test images`),
    '',
    ...labelled(
      [
        ['updates', column(looks.map((l) => l.step), 0)],
        ['accuracy', column(looks.map((l) => l.accuracy), 3)],
        ['E‖K‖', column(looks.map((l) => l.meanNorm), 1)],
        ['E‖K−K′‖/E‖K‖', column(looks.map((l) => l.drift), 3)],
        ['rank with before', column(looks.map((l) => l.rank), 3)],
        ['rank with last', column(rankWithLast, 3)],
      ],
      output,
    ),
    '',
    output.style('bold', 'Who is influenced most by learning a digit, and what it is taken for (besides itself)'),
    ...Array.from({ length: 10 }, (_, u) => {
      const near = largest(last.norms.map((row) => row[u]), u)
      const wrong = largest(confusion[u], u)
      const [most, least] = [near[0], near.at(-1)!]
      return (
        `  ${u}  kernel: most ${most.class} (${most.value.toFixed(1)}), least ${least.class} (${least.value.toFixed(1)})` +
        `   probability: ${wrong[0].class} (${wrong[0].value.toFixed(3)})`
      )
    }),
    '',
    stable < looks.length - 1
      ? `The ranking is that of the end (Spearman above 0.9) from update ${looks[stable].step} on, while E‖K‖ went on from ` +
        `${looks[stable].meanNorm.toFixed(1)} to ${last.meanNorm.toFixed(1)}.`
      : 'The ranking did not settle: no look before the last has Spearman above 0.9 with it.',
    `run ${out}   ldyn plot ${shellWord(out)}   kernels: ${join(out, KERNEL_FILE)}`,
  ].join('\n')
}

/** Classes but `except` by value, the largest first. */
const largest = (values: readonly number[], except: number): { class: number; value: number }[] =>
  values
    .map((value, i) => ({ class: i, value }))
    .filter((v) => v.class !== except)
    .sort((a, b) => b.value - a.value)
