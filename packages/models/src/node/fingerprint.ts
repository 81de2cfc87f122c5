/**
 * A cheap name for a checkpoint's content, by which cached reference log-probs and runs know it again:
 * SHA-256 over the config, and of every weight file its size, its first 64 KiB (where the header is) and 256
 * samples of 4 KiB spread evenly over the rest. Training moves nearly every weight, so a trained checkpoint
 * differs; an edit of a few numbers between the samples does not show. It is no protection against someone
 * who wants two files to look alike.
 */
import { createHash } from 'node:crypto'
import { openFile } from '@ldyn/formats/node'

const HEAD = 65536
const SAMPLES = 256
const SAMPLE = 4096

/** Hex digits, 32 of them. Throws FormatError where a file cannot be read. */
export async function fingerprint(files: readonly string[], text = ''): Promise<string> {
  const hash = createHash('sha256').update(text)
  for (const path of files) {
    const file = await openFile(path)
    try {
      hash.update(`${file.size};`).update(await file.read(0, Math.min(HEAD, file.size)))
      const rest = file.size - HEAD
      if (rest <= SAMPLES * SAMPLE) {
        if (rest > 0) hash.update(await file.read(HEAD, rest))
        continue
      }
      const step = Math.floor((rest - SAMPLE) / (SAMPLES - 1))
      for (let i = 0; i < SAMPLES; i++) hash.update(await file.read(HEAD + i * step, SAMPLE))
    } finally {
      await file.close()
    }
  }
  return hash.digest('hex').slice(0, 32)
}
