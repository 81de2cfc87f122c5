// Parts of several files of a run as one answer: what a page reads when an evaluation is written, some lines of one
// file and a row of each of others. Parts come one behind the other, in the order in which they were asked for; where
// one of them is not there nothing comes, and whoever asked asks for each file and hears why.
import { open } from 'node:fs/promises'
import { findFile, segmentsOf } from './run-file.ts'

/** What grows between two evaluations is small; larger reads are requests of their own, and streamed. */
export const [MOST_PARTS, MOST_PARTS_BYTES] = [32, 1_000_000]

interface Part {
  readonly segments: readonly string[]
  readonly from: number
  readonly to: number
}

/** "10-250@probe/index.jsonl": bytes [10, 250) of that file. */
const partOf = (text: string): Part | undefined => {
  const found = /^(\d{1,15})-(\d{1,15})@(.+)$/s.exec(text)
  const segments = found && segmentsOf(found[3])
  if (!found || !segments) return undefined
  const [from, to] = [Number(found[1]), Number(found[2])]
  return to > from ? { segments, from, to } : undefined
}

const readPart = async (directory: string, { segments, from, to }: Part): Promise<Uint8Array | undefined> => {
  const file = await findFile(directory, segments)
  if (!file || file.size < to) return undefined
  const handle = await open(file.path).catch(() => undefined)
  if (!handle) return undefined
  try {
    const bytes = new Uint8Array(to - from)
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, from)
    return bytesRead === bytes.length ? bytes : undefined
  } finally {
    await handle.close()
  }
}

/** Undefined where one of the parts is not there; a sentence where they are no parts, or too many. */
export const readParts = async (
  directory: string,
  asked: readonly string[],
): Promise<Uint8Array<ArrayBuffer> | string | undefined> => {
  if (asked.length === 0 || asked.length > MOST_PARTS) return `From 1 to ${MOST_PARTS} parts are read at once.`
  const parts = asked.map(partOf)
  if (parts.some(part => !part)) return 'A part is from-to@path.'
  const length = parts.reduce((sum, part) => sum + part!.to - part!.from, 0)
  if (length > MOST_PARTS_BYTES) return `No more than ${MOST_PARTS_BYTES} bytes are read at once.`
  const found = await Promise.all(parts.map(part => readPart(directory, part!)))
  const bytes = new Uint8Array(length)
  let at = 0
  for (const one of found) {
    if (!one) return undefined
    bytes.set(one, at)
    at += one.length
  }
  return bytes
}
