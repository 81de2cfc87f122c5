// The files of a run in a snapshot: decoded when they are first read, and kept.
import type { RunFiles } from '@ldyn/runs'
import type { Container } from './container.ts'
import type { SnapshotFile } from './format.ts'

/** Undefined where the snapshot has no run of that key. */
export const filesOf = (container: Container, key: string): RunFiles | undefined => {
  const run = container.manifest.runs.find(one => one.key === key)
  if (!run) return undefined
  const files = new Map<string, SnapshotFile>(run.files.map(file => [file.path, file]))
  const decoded = new Map<string, Promise<Uint8Array>>()
  return {
    name: key,
    list: async () => [...files.keys()],
    size: async path => files.get(path)?.size,
    async read(path, offset, length) {
      const file = files.get(path)
      if (!file) throw new Error(`${key}/${path} is not in this snapshot`)
      const reading = decoded.get(path) ?? container.read(file)
      decoded.set(path, reading)
      // What failed is asked for again.
      reading.catch(() => decoded.delete(path))
      const bytes = await reading
      if (offset + length > bytes.length)
        throw new Error(`${key}/${path} has ${bytes.length} bytes, and ${offset + length} were asked for`)
      return bytes.subarray(offset, offset + length)
    },
  }
}
