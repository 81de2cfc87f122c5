// What a run could have recorded and did not: said, with the line that trains it once more with its own settings and
// records it, and with what its checkpoints can still be asked at once.
import type { Missing } from './panel.ts'
import { hasCheckpoint, trainAgain, type Command, type Made } from './making.ts'

export const notRecorded = (
  run: Made,
  what: string,
  again: { readonly name: string; readonly settings: readonly string[] },
  also?: { readonly what: string; readonly command: Command },
): Missing => {
  const command = trainAgain(run, again.name, again.settings)
  return {
    what: command === undefined ? what : `${what} Trained again with its own settings, the run records it:`,
    ...(command !== undefined && { command }),
    ...(also && hasCheckpoint(run) && { also: { what: `${also.what}, from its newest checkpoint and at once:`, command: also.command } }),
  }
}
