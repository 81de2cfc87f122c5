/** `ldyn sim squeeze`: simulate, record, and answer where the mass went. */
import { shellWord } from '@ldyn/figures'
import { recordSimulation, simulateSqueeze, type SqueezeResult } from '@ldyn/lab'
import type { SqueezeFlags } from '../commands/sim.ts'
import type { Context } from '../context.ts'
import type { Output } from '../contract/output.ts'
import { aboutOf, outOf, told } from './about.ts'
import { arrow, bandsText, labelled, percent, probability } from './text.ts'

export async function simSqueeze(flags: SqueezeFlags, context: Context): Promise<void> {
  const { output, version } = context
  const { out: given, ...request } = flags
  const out = outOf(given, `squeeze-${flags.case.replace("'", 'prime')}`)
  const result = await told('ldyn sim squeeze', () => simulateSqueeze(request))
  const backend = { name: 'closed form', device: 'cpu', version }
  await recordSimulation(out, result.simulation, await aboutOf(out, context, backend))
  const { toy, first, whole, threshold } = result
  const about = { case: toy.name, vocab: toy.logits.length, lr: toy.lr, xSquared: toy.xSquared }
  output.result('sim squeeze', { run: out, ...about, steps: flags.steps, first, whole, threshold }, () =>
    text(result, flags.steps, out, output),
  )
}

function text(result: SqueezeResult, steps: number, out: string, output: Output): string {
  const { toy, whole, first, threshold, simulation } = result
  const [about] = toy.steps
  const pushed = about.eta < 0
  const others = toy.steps.slice(1).map(({ y, eta }) => `, ${eta < 0 ? 'pushed' : 'pulled'} class ${y}`)
  const { star, y, up, down, takenFromY, takenFromOthers, starShare, entropy } = whole
  const ratio = Math.exp(Math.log(star.after) - Math.log(star.before))
  const head =
    `Case ${toy.name}, ${toy.title}: ${toy.logits.length} classes, lr ${toy.lr}, ‖x‖² ${toy.xSquared.toFixed(2)}, ` +
    `seed ${simulation.seed}, ${steps} update${steps === 1 ? '' : 's'}`
  const taken = pushed
    ? `taken from the pushed class ${probability(takenFromY)}, from others that fell ${probability(takenFromOthers)}`
    : `taken from the ${down} that fell ${probability(takenFromOthers)}`
  return [
    output.style('bold', head),
    '',
    ...labelled(
      [
        [pushed ? 'pushed' : 'pulled', `class ${y.class}   ${arrow(y)}${others.join('')}`],
        ['largest other', `class ${star.class}   ${arrow(star)}   × ${ratio.toPrecision(3)}`],
        ['rose, fell', `${up}, ${down} of ${toy.logits.length}`],
        ['the mass', `${taken}; of all gains ${percent(starShare)} went to class ${star.class}`],
        ['by rank', bandsText(whole.bands)],
        ['entropy', `${entropy.before.toFixed(3)} → ${entropy.after.toFixed(3)} nats`],
        ...(threshold && toy.steps.length === 1
          ? ([
              [
                'threshold',
                `in the first update a class rises exactly if p > ln Z/ε = ${probability(threshold.exact)} ` +
                  `(‖p‖² − p_y = ${probability(threshold.firstOrder)}); ${first.up} did`,
              ],
            ] as const)
          : []),
      ],
      output,
    ),
    '',
    verdict(whole, toy.steps.length > 1, pushed),
    `run ${out}   ldyn plot ${shellWord(out)}`,
  ].join('\n')
}

/** The answer in a sentence, by the numbers. */
function verdict(whole: SqueezeResult['whole'], both: boolean, pushed: boolean): string {
  const { star, starShare, up, takenFromY, takenFromOthers, y } = whole
  if (!pushed) return `Pulled up, class ${y.class} took from all ${star.after < star.before ? 'others' : 'but the largest'}.`
  if (both && Math.abs(star.after / star.before - 1) < 0.01)
    return 'Not squeezed: the pull and the push are in one context, where their π terms cancel, and all others move alike.'
  if (starShare < 0.5) return `Spread: ${up} classes share what the pushed one lost; the largest got ${percent(starShare)} of it.`
  const unpushed = takenFromOthers / (takenFromY + takenFromOthers)
  const origin =
    unpushed > 0.5
      ? `, ${unpushed > 0.95 ? 'nearly all' : 'most'} of it (${percent(unpushed)}) from classes that nobody pushed`
      : ''
  return `Squeezed: the largest class took ${percent(starShare)} of what moved${origin}.`
}
