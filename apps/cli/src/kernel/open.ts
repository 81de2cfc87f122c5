/** What every kernel command begins with: a checkpoint on a backend, its tokenizer, and which parameters count. */
import {
  disposeTree,
  encodeRow,
  tokenDefaults,
  type DeviceTree,
  type Row,
  type Sequence,
  type TokenMode,
  type TokenOptions,
} from '@ldyn/lab'
import type { Tokenizer } from '@ldyn/models'
import { openModel, type Checkpoint } from '@ldyn/models/node'
import type { Backend } from '@ldyn/tensor'
import { openBackend } from '../backends.ts'
import { CliError } from '../contract/errors.ts'
import { nearest } from '../contract/nearest.ts'
import { load } from '../observe/observe.ts'
import type { Reporter } from '../progress/reporter.ts'
import { chosenParameters, type ChosenParameters } from './parameters.ts'

/** Options that all kernel commands share. */
export interface KernelFlags {
  readonly model: string
  readonly backend: string
  readonly threads?: number
  readonly params?: string
  readonly tokenMode: TokenMode
  readonly maxLength?: number
  readonly overflow: TokenOptions['overflow']
  readonly out?: string
  /** Measure and say what it would take, and no more. */
  readonly dryRun?: boolean
  /** Updates of the run before this model; of its own checkpoint unless given. */
  readonly step?: number
}

export interface Opened extends AsyncDisposable {
  readonly backend: Backend
  readonly checkpoint: Checkpoint
  readonly tokenizer: Tokenizer
  readonly params: DeviceTree
  readonly chosen: ChosenParameters
  readonly tokens: TokenOptions
}

/** Dispose of what it gives. Throws what opening a backend and a model throws, and CliError for parameters. */
export async function openKernel(flags: KernelFlags, progress: Reporter, backend?: Backend): Promise<Opened> {
  const own = backend === undefined
  const checkpoint = await openModel(flags.model)
  const opened: AsyncDisposable[] = [checkpoint]
  const close = async (): Promise<void> => {
    for (const each of opened.reverse()) await each[Symbol.asyncDispose]()
  }
  try {
    const chosen = chosenParameters(checkpoint.model.params, flags.params)
    const tokenizer = await checkpoint.tokenizer()
    const on = backend ?? (await openBackend(flags.backend, { threads: flags.threads }))
    if (own) opened.push(on)
    const params = await load(checkpoint, on, progress)
    opened.push({ [Symbol.asyncDispose]: async () => disposeTree(params) })
    const defaults = tokenDefaults(checkpoint.model.context)
    const tokens: TokenOptions = {
      ...defaults,
      mode: flags.tokenMode,
      overflow: flags.overflow,
      maxLength: Math.min(flags.maxLength ?? defaults.maxLength, defaults.maxLength),
    }
    return { backend: on, checkpoint, tokenizer, params, chosen, tokens, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A row's responses of the given types, in their order. Throws CliError where it lacks one or it was dropped. */
export function sequencesOf(row: Row, types: readonly string[], { tokenizer, tokens }: Opened): Sequence[] {
  const present = Object.keys(row.responses).filter((type) => row.responses[type] !== '')
  const missing = types.find((type) => !present.includes(type))
  if (missing !== undefined) {
    const near = nearest(missing, present)
    throw new CliError({
      code: 'LD3101',
      what: `the row has no response of type '${missing}'`,
      where: row.where,
      why: `it has ${present.join(', ') || 'none'}`,
      fix: near ? `did you mean ${near}?` : 'name another type, or another row',
    })
  }
  const encoded = encodeRow(row, types, tokenizer, tokens)
  if (encoded) return [...encoded.sequences]
  throw new CliError({
    code: 'LD3101',
    what: `the row is longer than ${tokens.maxLength} tokens and --overflow drop leaves it out`,
    where: row.where,
    fix: 'raise --max-length, use --overflow truncate, or take another row',
  })
}

/** A token as text on one line. */
export const piece = (tokenizer: Tokenizer, id: number): string =>
  JSON.stringify(tokenizer.decode(Int32Array.of(id))).slice(1, -1)

/** `135M parameters` or `28.3M of 135M parameters (62 tensors)`. */
export const parametersText = ({ numbers, all, tensors }: ChosenParameters): string => {
  const size = (n: number): string =>
    n >= 1e6 ? `${(n / 1e6).toPrecision(4)}M` : n >= 1e3 ? `${(n / 1e3).toPrecision(4)}k` : String(n)
  return numbers === all ? `all ${size(all)} parameters` : `${size(numbers)} of ${size(all)} parameters (${tensors} tensors)`
}

/** 1536 MiB as bytes and back. */
export function bytesOf(text: string, flag: string): number {
  const [, number, unit] = /^\s*([\d.]+)\s*([kmgt]?)i?b?\s*$/i.exec(text) ?? []
  const bytes = Number(number) * 1024 ** ['', 'k', 'm', 'g', 't'].indexOf((unit ?? '').toLowerCase())
  if (!(bytes > 0))
    throw new CliError({
      code: 'LD2003',
      what: `${flag} takes an amount of memory, as in 4GiB or 900MiB`,
      where: flag,
      why: `it is '${text}'`,
    })
  return bytes
}

export const memoryText = (bytes: number): string =>
  bytes >= 2 ** 30
    ? `${(bytes / 2 ** 30).toFixed(2)} GiB`
    : bytes >= 2 ** 20
      ? `${(bytes / 2 ** 20).toFixed(1)} MiB`
      : `${(bytes / 1024).toFixed(1)} KiB`
