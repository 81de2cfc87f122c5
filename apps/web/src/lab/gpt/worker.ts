// The worker: one training at a time, and between any two updates an ear for the page.
import type { FromWorker, ToWorker } from './protocol.ts'
import { train } from './training.ts'

const scope = globalThis as unknown as {
  postMessage(message: FromWorker): void
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null
}

let paused: { readonly until: Promise<void>; readonly go: () => void } | undefined
let stopped = false

const hold = (): NonNullable<typeof paused> => {
  let go = (): void => {}
  const until = new Promise<void>(done => {
    go = done
  })
  return { until, go }
}

/** Lets messages in: a task of its own, without the four milliseconds that a nested timer waits. */
const breathe = (): Promise<void> =>
  new Promise(done => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      done()
    }
    port2.postMessage(0)
  })

const shouldStop = async (): Promise<boolean> => {
  await breathe()
  while (paused && !stopped) await paused.until
  return stopped
}

scope.onmessage = ({ data }) => {
  switch (data.do) {
    case 'train':
      void train(data.request, { shouldStop }, message => scope.postMessage(message))
      break
    case 'pause':
      paused ??= hold()
      break
    case 'resume':
      paused?.go()
      paused = undefined
      break
    case 'stop':
      stopped = true
      paused?.go()
      break
  }
}
