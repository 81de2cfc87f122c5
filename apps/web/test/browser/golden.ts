// Goldens: what a page was when somebody last looked at it and found it good. UPDATE_GOLDENS=1 writes them anew; the
// difference is then read in the commit.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../goldens', import.meta.url))
/** Where failing comparisons leave what they saw. */
export const seenFolder = fileURLToPath(new URL('../../.cache/goldens', import.meta.url))

export const updating = process.env.UPDATE_GOLDENS === '1'

const write = async (path: string, bytes: string | Uint8Array): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
}

/** The golden of this name; the given one where they are written anew. Throws where there is none. */
export const golden = async (name: string, now: Uint8Array): Promise<Uint8Array> => {
  const path = join(folder, name)
  if (updating) {
    await write(path, now)
    return now
  }
  return readFile(path).catch((cause: unknown) => {
    throw new Error(`There is no golden ${name}. Look at what the page shows, then run with UPDATE_GOLDENS=1.`, { cause })
  })
}

export const goldenText = async (name: string, now: string): Promise<string> =>
  new TextDecoder().decode(await golden(name, new TextEncoder().encode(now)))

export const leave = (name: string, bytes: Uint8Array): Promise<void> => write(join(seenFolder, name), bytes)
