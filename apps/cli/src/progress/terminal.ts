/**
 * stderr shared between what is said and a block of progress that is redrawn in place: while a reporter is at work,
 * words go through it, so that the block moves down and nothing is overwritten. A log file gets the words and plain
 * progress.
 */
import { appendFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import type { TextStream } from '../contract/output.ts'
import { createPlain } from './plain.ts'
import { createReporter, type ProgressMode, type Reporter, type ReporterOptions } from './reporter.ts'

export interface Terminal {
  /** For words. */
  readonly stream: TextStream
  /** Starts a reporter; dispose of it to give the stream back. */
  progress(mode: ProgressMode, options: Omit<ReporterOptions, 'stream'>): Reporter
}

export function createTerminal(stderr: TextStream, logFile?: string): Terminal {
  let active: Reporter | undefined
  const log = logFile === undefined ? undefined : logStream(logFile)
  return {
    stream: {
      get isTTY() {
        return stderr.isTTY
      },
      get columns() {
        return stderr.columns
      },
      write(text) {
        log?.write(text)
        if (active) active.note(text.replace(/\n$/, ''))
        else stderr.write(text)
      },
    },
    progress(mode, options) {
      const shown = createReporter(mode, { ...options, stream: stderr })
      const logged = log && createPlain({ ...options, stream: log })
      const end = (): void => {
        shown.end()
        logged?.end()
      }
      active = shown
      return {
        update(event) {
          shown.update(event)
          logged?.update(event)
        },
        note: (text) => shown.note(text),
        end,
        [Symbol.dispose]() {
          end()
          active = undefined
        },
      }
    },
  }
}

/** A log that cannot be written is no reason to stop: what is lost there was shown on the terminal. */
const logStream = (path: string): TextStream => ({
  write(text) {
    try {
      appendFileSync(path, stripVTControlCharacters(text))
    } catch {
      // See above.
    }
  },
})
