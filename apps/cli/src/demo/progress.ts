/** The demo's progress: one task over both runs, so that its ETA is that of the page. */
import type { Output } from '../contract/output.ts'
import type { ProgressEvent, Reporter } from '../progress/reporter.ts'
import type { DemoEvent } from './run.ts'

export function listener(progress: Reporter, output: Output): (event: DemoEvent) => void {
  let last: ProgressEvent | undefined
  let probes: Readonly<Record<string, number>> | undefined
  return ({ arm, event, done, total }) => {
    if (event.type === 'warning') output.warn(`${arm.name}: ${event.message}`)
    if (event.type === 'stage') progress.note(`${arm.name}: ${event.stage}, ${event.updates} updates`)
    if (event.type === 'evaluation') probes = event.logp
    if (event.type === 'update') {
      const { loss, grad_norm } = event.values
      last = { task: 'demo', done, total, unit: 'updates', metrics: { loss, grad_norm } }
    }
    if (event.type === 'evaluate' && last) progress.update({ ...last, busy: `probes ${event.done}/${event.total}` })
    if ((event.type === 'update' || event.type === 'evaluation') && last) progress.update({ ...last, probes })
  }
}
