// How a run stands, as a mark and a word.
import type { RunState } from '../wire.ts'

const states: Readonly<Record<RunState, readonly [mark: string, word: string, says: string]>> = {
  live: ['●', 'live', 'It is being written now'],
  stalled: ['⏸', 'stalled', 'The process that writes it has been silent for more than a minute'],
  killed: [
    '✖',
    'crashed',
    'It says that it runs, and no process writes it: it was killed. ldyn train --resume goes on with it',
  ],
  done: ['■', 'finished', 'It ended as planned'],
  failed: ['✖', 'failed', 'It ended with an error'],
  interrupted: ['◼', 'stopped', 'It was stopped, with a checkpoint. ldyn train --resume goes on with it'],
}

export const StateMark = ({ state, short = false }: { state: RunState; short?: boolean }) => {
  const [mark, word, says] = states[state]
  return (
    <span class={`state ${state}`} title={`${word}: ${says}`}>
      <span aria-hidden="true">{mark}</span> <span class={short ? 'sr' : undefined}>{word}</span>
    </span>
  )
}
