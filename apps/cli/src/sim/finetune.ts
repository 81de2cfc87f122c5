/** `ldyn sim softmax | linear | mlp`: finetune a toy, record it, and answer what moved. */
import { shellWord } from '@ldyn/figures'
import { finetuneToy, recordSimulation, type FinetuneResult, type StageOutcome, type ToyKind, type ToyStage } from '@ldyn/lab'
import { referenceBackend } from '@ldyn/tensor/reference'
import type { FinetuneFlags } from '../commands/sim.ts'
import { layerOf } from '../config/assignments.ts'
import { resolve, stageConfig } from '../config/resolve.ts'
import { joined, setLayer } from '../config/sources.ts'
import type { Context } from '../context.ts'
import type { Output } from '../contract/output.ts'
import { aboutOf, outOf, told } from './about.ts'
import { arrow, labelled, nats, percent } from './text.ts'

const RATES: Readonly<Record<ToyKind, number>> = { softmax: 1, linear: 1, mlp: 0.2 }

/** Stages as the toy takes them: losses as in training, gradient descent at a constant rate. Throws CliError. */
function stagesOf(kind: ToyKind, flags: FinetuneFlags): { stages: ToyStage[]; warnings: readonly string[] } {
  const base = layerOf(
    {
      stages: flags.stages,
      beta: flags.beta,
      lr: flags.lr ?? RATES[kind],
      updates: flags.steps,
      optimizer: 'sgd',
      schedule: 'constant',
    },
    () => '--stages',
  )
  const config = resolve([joined([base, setLayer(flags.set ?? [])])])
  const stages = config.stages.map((stage): ToyStage => {
    const { name, loss, targets, updates, lr } = stageConfig(stage, flags.contexts)
    return { name, loss, targets: targets as ToyStage['targets'], updates: updates ?? flags.steps, lr }
  })
  // β is given to all stages, also to those that have none.
  return { stages, warnings: config.warnings.filter((text) => !text.endsWith('(--stages)')) }
}

export async function simFinetune(kind: ToyKind, flags: FinetuneFlags, context: Context): Promise<void> {
  const { output } = context
  const command = `ldyn sim ${kind}`
  const out = outOf(flags.out, kind)
  const { stages, warnings } = stagesOf(kind, flags)
  for (const warning of warnings) output.warn(warning)
  // Small enough for f64 in plain loops, in this thread.
  const backend = referenceBackend()
  const { contexts, vocab, features, peak, similarity, divergence, batch, every, seed, hidden = 32 } = flags
  const sizes = { contexts, vocab, features, peak, similarity, divergence, batch, every, seed, hidden }
  const result = await told(command, () => finetuneToy(backend, { kind, stages, ...sizes }))
  const { device, version } = backend.capabilities
  await recordSimulation(out, result.simulation, await aboutOf(out, context, { name: backend.name, device, version }))
  output.result(`sim ${kind}`, { run: out, kind, ...sizes, stages: result.stages }, () =>
    text(kind, result, flags, out, output),
  )
}

function text(
  kind: ToyKind,
  { stages, simulation }: FinetuneResult,
  flags: FinetuneFlags,
  out: string,
  output: Output,
): string {
  const head =
    `${kind}: ${flags.contexts} contexts, ${flags.vocab} tokens, ${simulation.params} parameters, ` +
    `divergence of y⁻'s context ${flags.divergence}, seed ${flags.seed}`
  return [
    output.style('bold', head),
    ...stages.flatMap((stage, i) => ['', ...stageText(stage, simulation.stages[i].updates, output)]),
    '',
    `run ${out}   ldyn plot ${shellWord(out)}`,
  ].join('\n')
}

function stageText({ name, change, margin, peak, pushed }: StageOutcome, updates: number, output: Output): string[] {
  const moved = (types: readonly (readonly [keyof typeof change, string])[]): string =>
    types.map(([type, label]) => `${label} ${nats(change[type])}`).join('   ')
  return [
    output.style('bold', `${name}, ${updates} updates: mean change of log π (nats)`),
    ...labelled(
      [
        ['answers', moved([['chosen', 'y⁺'], ['rejected', 'y⁻']]) + `   margin ${nats(margin.before)} → ${nats(margin.after)}`],
        [
          'others',
          moved([
            ['irr_train', "another context's y⁺"],
            ['irr_test', 'an answer never trained'],
            ['random_nonhum', 'a random token'],
          ]),
        ],
        ['largest p', `where y⁺ is answered ${arrow(peak.chosen)}   where y⁻ is ${arrow(peak.rejected)}`],
        ['y⁻', `${arrow(pushed)}; of what was gained there the largest other token got ${percent(pushed.starShare)}`],
      ],
      output,
    ),
  ]
}
