/**
 * tfjs-node for tests: linked to a libtensorflow under the repository's .cache when it is not yet, where Python, pip
 * and a compiler are there. Called while a test file is loaded, which no timeout bounds.
 */
import { fileURLToPath } from 'node:url'
import { UnsupportedError } from '@ldyn/tensor'
import { LinkError, linkTensorflow } from '../src/link/index.ts'
import { tfjsBackend } from '../src/index.ts'

export const cache = fileURLToPath(new URL('../../../.cache/libtensorflow', import.meta.url))

/** Why there is no tfjs-node here, in a sentence that says what brings it; undefined where there is. */
export async function missing(): Promise<string | undefined> {
  try {
    await linkTensorflow({ cache, show: (text) => process.stderr.write(text) })
    return undefined
  } catch (error) {
    if (error instanceof LinkError) return `tfjs-node has no libtensorflow: ${error.message}`
    throw error
  }
}

/** The backend on tfjs-node, or the reason as an error: for `describeBackend`. */
export async function onNode(why: string | undefined) {
  if (why !== undefined) throw new UnsupportedError(why)
  return await tfjsBackend({ variant: 'node' })
}
