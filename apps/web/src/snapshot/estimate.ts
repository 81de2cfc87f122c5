// How large a file will be, from the sizes of the runs' files alone: fast enough to follow every click of a dialog.
import { paths, type RunFiles } from '@ldyn/runs'
import type { SnapshotOptions } from './format.ts'
import { isOfPages } from './pages.ts'

/** Bytes after gzip for a byte before it, measured on SmolLM2-135M runs, demo runs and recorded logs. */
const RATIO = { text: 0.3, log: 0.3, f32: 0.85, f16: 0.4 } as const
/** What base64 makes of a byte. */
const BASE64 = 4 / 3
/** Static figures for readers without scripts: of one run 60 to 170 kB, with the words. */
const STILL_BYTES = 130_000

const bytesOf = (path: string, size: number, share: number, options: SnapshotOptions): number => {
  const { values, kernel, steps, text } = options
  if (path.endsWith('.f32')) return size * share * RATIO[values]
  if (path.endsWith('.safetensors')) return (size / 2) * (kernel === 'f16' ? RATIO.f16 * 1.1 : RATIO.f32)
  if (path === paths.probes) return size * (text === 'remove' ? RATIO.text / 4 : RATIO.text)
  return size * RATIO.log * (steps === undefined ? 1 : Math.max(share, 0.05))
}

/** Roughly how many bytes the HTML file of these runs has; `template` is what it weighs without any run. */
export const estimateBytes = async (
  runs: readonly RunFiles[],
  options: SnapshotOptions,
  template: number,
): Promise<number> => {
  let data = 0
  for (const files of runs) {
    const index = (await files.size(paths.index)) ?? 0
    // A line of the index is about 40 bytes.
    const share = options.steps === undefined ? 1 : Math.min(1, (options.steps * 40) / Math.max(1, index))
    for (const path of await files.list()) {
      if (isOfPages(path, options.pages)) data += bytesOf(path, (await files.size(path)) ?? 0, share, options)
    }
  }
  return Math.round(template + data * BASE64 + (runs.length > 0 ? STILL_BYTES : 0))
}
