/** What training reports, as progress: one task a stage, with the evaluations in between shown beside it. */
import type { TrainEvent } from '@ldyn/lab'
import type { Output } from '../contract/output.ts'
import { duration } from '../progress/pace.ts'
import type { ProgressEvent, Reporter } from '../progress/reporter.ts'

/** Metrics that fit on a line; the rest is on file. */
const SHOWN = ['loss', 'grad_norm', 'rewards/margins', 'rewards/accuracies', 'learning_rate'] as const

/** The listener for one run. */
export function reporterOf(progress: Reporter, output: Output): (event: TrainEvent) => void {
  let last: ProgressEvent | undefined
  return (event) => {
    switch (event.type) {
      case 'load':
        progress.update({ task: 'load', done: event.done, total: event.total, unit: 'tensors' })
        break
      case 'resume':
        output.note(
          event.directory
            ? `going on after update ${event.step}, from ${event.directory}`
            : 'no checkpoint yet: beginning again',
        )
        break
      case 'stage':
        last = undefined
        output.detail(
          `stage ${event.stage}: ${event.updates} updates over ${event.examples} examples, ${event.shapes} shapes to compile`,
        )
        break
      case 'reference':
        progress.update({
          task: `${event.stage} reference`,
          done: event.done,
          total: event.total,
          unit: 'examples',
        })
        break
      case 'update':
        last = {
          task: event.stage,
          done: event.step,
          total: event.steps,
          unit: 'updates',
          metrics: Object.fromEntries(
            SHOWN.flatMap((name) => (name in event.values ? [[name, event.values[name]]] : [])),
          ),
        }
        progress.update(last)
        break
      case 'evaluate':
        progress.update(
          last
            ? { ...last, busy: `probes ${event.done}/${event.total}` }
            : { task: 'probes', done: event.done, total: event.total, unit: 'responses' },
        )
        break
      case 'evaluation':
        if (last) progress.update({ ...last, probes: event.logp })
        output.detail(`update ${event.step}: probes evaluated in ${duration(event.seconds * 1000)}`)
        break
      case 'checkpoint':
        output.detail(
          `update ${event.step}: checkpoint ${event.directory} in ${duration(event.seconds * 1000)}`,
        )
        break
      case 'warning':
        output.warn(event.message)
        break
    }
  }
}
