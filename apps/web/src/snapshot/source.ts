// The runs of a snapshot as the page reads them: the twin of ../data/served.ts. Nothing is live, and nothing is asked
// of anybody.
import { memoryFiles } from '@ldyn/runs'
import { GoneError, type Source } from '../data/source.ts'
import type { Container } from './container.ts'
import { filesOf } from './files.ts'

export const snapshotSource = (container: Container): Source => ({
  kind: 'snapshot',
  list: async () => container.manifest.list,
  files(key) {
    const found = filesOf(container, key)
    return {
      ...(found ?? memoryFiles(new Map(), key)),
      async refresh() {
        if (!found) throw new GoneError(`${key} is not in this snapshot`)
      },
      grown: () => undefined,
    }
  },
  follow(_keys, _on, connection) {
    connection({ state: 'ended' })
    return { [Symbol.dispose]: () => undefined }
  },
})
