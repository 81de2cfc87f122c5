// Share (ux.md §5.10): the link to this view, the runs as one file, figures, a frame for another page, the command. A
// dialog, so that what is shared stays in sight behind it.
import type { Tool } from '../screen.ts'

export const share: Tool = {
  id: 'share',
  title: 'Share',
  ofRuns: true,
  load: () => import('./share-dialog.tsx').then(({ ShareDialog }) => ShareDialog),
}
