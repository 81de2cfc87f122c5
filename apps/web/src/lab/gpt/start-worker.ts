// The worker as the page starts it: a classic script inside the page's own, since a module worker does not start from
// file:// (ux.md §5.10).
// eslint-disable-next-line no-restricted-imports -- a worker, not a module
import TrainingScript from './worker.ts?worker&inline'
import type { FromWorker, ToWorker } from './protocol.ts'

export interface TrainingWorker {
  tell(message: ToWorker): void
  end(): void
}

export const startWorker = (hear: (message: FromWorker) => void, broke: (why: string) => void): TrainingWorker => {
  const worker = new TrainingScript({ name: 'ldyn lab' })
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => hear(data)
  worker.onerror = event => broke(event.message || 'it could not be started')
  return { tell: message => worker.postMessage(message), end: () => worker.terminate() }
}
