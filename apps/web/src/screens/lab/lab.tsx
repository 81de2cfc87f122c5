// The Lab: what the theory says, at toy size and live (ux.md §5.9). It needs no run, and is fetched when it is opened.
import type { PlaceScreen } from '../screen.ts'

export const lab: PlaceScreen = {
  place: 'lab',
  title: 'Lab',
  says: 'Lab: squeezing at toy size, and a small model that trains in this page',
  load: () => import('./lab-page.tsx').then(({ LabPage }) => LabPage),
}
