/**
 * The four questions that the demo asks, each with the sentences that answer it, and the levels behind them. Sentences
 * are computed from the runs (figures/narrative.ts, comparing.ts); here they are only chosen, by what they are about.
 */
import { compareRuns, estimate, evaluationsOf, narrate, type RunData, sampleOf } from '@ldyn/figures'

export interface Answer {
  readonly question: string
  readonly sentences: readonly { readonly of: string; readonly text: string }[]
}

/** Every run has an SFT stage and then a preference stage; the first run is the baseline. */
export function answers(runs: readonly RunData[], names: readonly string[]): readonly Answer[] {
  const said = runs.flatMap((run, r) =>
    narrate(run).flatMap(({ sentences }, stage) =>
      sentences.map(({ about, text }) => ({ about, stage, of: `${names[r]}, ${run.stages[stage].name}`, text })),
    ),
  )
  const pick = (what: string, stages: readonly number[]): Answer['sentences'] =>
    said.filter((s) => s.about === what && stages.includes(s.stage)).map(({ of, text }) => ({ of, text }))
  const compared = compareRuns(runs).flatMap(({ sentences }) => sentences)
  return [
    { question: 'Did the chosen answers rise, and then fall?', sentences: pick('chosen', [0, 1]) },
    { question: 'Did answers to other questions rise (hallucination)?', sentences: pick('hallucination', [0]) },
    { question: 'How much mass went to the likeliest token (squeezing)?', sentences: pick('argmax', [1]) },
    {
      question: 'Was it less after SFT on both answers (extend)?',
      sentences: compared.map(({ about, text }) => ({ of: about, text })),
    },
  ]
}

/** Mean Σ log π in nats over probes by type, and `argmax` along chosen, at the end of a stage or before the first. */
export interface Level {
  readonly run: string
  /** The stage that has just ended; 'base' before any. */
  readonly after: string
  readonly step: number
  readonly means: Readonly<Record<string, number>>
}

export function levels(runs: readonly RunData[], names: readonly string[]): readonly Level[] {
  return runs.flatMap((data, r) => {
    const rows = [...data.types.map((type) => [type, 'logp', type]), ['argmax', 'argmax_logp', 'chosen']] as const
    const at = (after: string, evaluation: number): Level => ({
      run: names[r],
      after,
      step: data.evaluations[evaluation].step,
      means: Object.fromEntries(
        rows.map(([name, metric, type]) => [name, estimate(sampleOf(data, metric, type)!.at[evaluation]).mean]),
      ),
    })
    const ends = data.stages.map((stage) => at(stage.name, evaluationsOf(data, stage)!.at(-1)!))
    return [at('base', 0), ...ends]
  })
}
