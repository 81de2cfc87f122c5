// Whose numbers a view shows, where the page is a snapshot: the snapshot's, which may be rounded and fewer than there
// were, or those of a run that this very page trained in its Lab, which are as they are.
import type { SnapshotAbout } from '../snapshot/format.ts'
import type { App } from './context.ts'

/** Undefined where a viewer serves the runs, and where all that is shown was made here. */
export const snapshotShown = ({ snapshot, memory, store }: App): SnapshotAbout | undefined => {
  const { runs, place } = store.view.value
  const isOwn = runs.length > 0 ? runs.every(key => memory.has(key)) : place === 'lab'
  return isOwn ? undefined : snapshot
}
