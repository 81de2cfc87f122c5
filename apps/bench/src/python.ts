/** Finding a Python that has what the peer imports, or the sentence that says why there is none. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** peer/peer.py, from `src` and from `dist` alike. */
export const PEER = fileURLToPath(new URL('../peer/peer.py', import.meta.url))
const REQUIREMENTS = 'pip install -r apps/bench/peer/requirements.txt'

export type Found = { readonly python: string } | { readonly why: string }

/** `given`, else LDYN_PYTHON, else `python3`, else `python`; the first that imports torch and transformers. */
export async function findPython(given?: string): Promise<Found> {
  const named = given ?? process.env.LDYN_PYTHON
  const reasons: string[] = []
  for (const python of named ? [named] : ['python3', 'python']) {
    try {
      await run(python, ['-c', 'import torch, transformers'], { timeout: 120_000 })
      return { python }
    } catch (error) {
      reasons.push(`${python} ${reasonOf(error)}`)
    }
  }
  return { why: `${reasons.join('; ')}. Give one with --python, and install what it needs: ${REQUIREMENTS}` }
}

function reasonOf(error: unknown): string {
  const { code, stderr, killed } = error as { code?: unknown; stderr?: string; killed?: boolean }
  if (code === 'ENOENT') return 'is not there'
  if (killed) return 'took more than 120 s to import torch and transformers'
  return `cannot import torch and transformers (${stderr?.trim().split('\n').at(-1) ?? 'no message'})`
}

/** Writes a shape's seeded random weights as a Hugging Face directory, for both sides to load. */
export async function saveWeights(python: string, shape: string, directory: string): Promise<void> {
  await run(python, [PEER, '--shape', shape, '--save', directory], { timeout: 300_000, env: offline() })
}

/** The peer needs no hub, and must not wait for one. */
export const offline = (): NodeJS.ProcessEnv => ({
  ...process.env, HF_HUB_OFFLINE: '1', TRANSFORMERS_VERBOSITY: 'error', TRANSFORMERS_NO_ADVISORY_WARNINGS: '1',
  HF_HUB_DISABLE_PROGRESS_BARS: '1',
})
