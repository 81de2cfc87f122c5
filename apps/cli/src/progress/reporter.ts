/**
 * Progress of anything longer than two seconds, from one stream of events in three forms (ux.md §3.2): a block that is
 * redrawn in place on a terminal, plain lines for logs, and JSON lines. All go to stderr.
 */
import type { TextStream } from '../contract/output.ts'
import { createBar } from './bar.ts'
import { createJsonl } from './jsonl.ts'
import { createPlain } from './plain.ts'

export type ProgressMode = 'auto' | 'bar' | 'plain' | 'jsonl' | 'none'
export const PROGRESS_MODES: readonly ProgressMode[] = ['auto', 'bar', 'plain', 'jsonl', 'none']

export interface ProgressEvent {
  /** What is being done: `dpo`, `probes`, `loading`. Another task than the last event's begins a new one. */
  readonly task: string
  readonly done: number
  readonly total: number
  /** What is counted: `updates`, `responses`, `tensors`. */
  readonly unit: string
  /** Numbers worth a look, under the names they have on file: loss, grad_norm, rewards/margins. */
  readonly metrics?: Readonly<Record<string, number>>
  /** Mean Σ log π in nats by response type, when probes have just been evaluated. */
  readonly probes?: Readonly<Record<string, number>>
  /** What it is busy with between two units: `probes 24/288`. */
  readonly busy?: string
}

export interface Reporter extends Disposable {
  update(event: ProgressEvent): void
  /** A line that stays, above a block that is redrawn. */
  note(text: string): void
  /** The current task is over: its last state is drawn and stays. */
  end(): void
}

export interface ReporterOptions {
  readonly stream: TextStream
  /** Milliseconds. */
  readonly now?: () => number
  /** Draw with ASCII alone. */
  readonly ascii?: boolean
  readonly style?: (format: 'dim' | 'bold' | 'cyan' | 'green' | 'red', text: string) => string
}

/** Nothing is shown of a task that is over sooner. */
export const QUIET_MS = 2000

const silent = ({ stream }: ReporterOptions): Reporter => ({
  update() {},
  note: (text) => void stream.write(`${text}\n`),
  end() {},
  [Symbol.dispose]() {},
})

export function createReporter(mode: ProgressMode, options: ReporterOptions): Reporter {
  switch (mode) {
    case 'auto':
      return createReporter(options.stream.isTTY === true ? 'bar' : 'plain', options)
    case 'bar':
      return createBar(options)
    case 'plain':
      return createPlain(options)
    case 'jsonl':
      return createJsonl(options)
    case 'none':
      return silent(options)
  }
}
