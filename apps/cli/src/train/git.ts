/** The commit of the directory in which ldyn was started: what else a run was made with. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const git = async (...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)('git', [...args], { timeout: 2000 })).stdout.trim()

/** Undefined outside of a repository, or without git. */
export async function gitState(): Promise<{ commit: string; dirty: boolean } | undefined> {
  try {
    const commit = await git('rev-parse', 'HEAD')
    return { commit, dirty: (await git('status', '--porcelain', '--untracked-files=no')) !== '' }
  } catch {
    return undefined
  }
}
