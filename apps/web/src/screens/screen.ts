// What a screen is. To add one: write its module, list it in index.ts. A screen of runs is always shown in the
// navigation; where the runs lack what it needs, its panels say so and name the command. A place needs no run.
// A tool opens over whatever is shown. Each is either there (`View`) or fetched when it is opened (`load`): what
// not everybody opens is fetched.
import type { App, ScreenProps } from '../shell/context.ts'
import type { Loadable } from '../shell/lazy.tsx'
import type { Page, Place } from '../state/address.ts'

export type Screen = Loadable<ScreenProps> & {
  readonly page: Page
  readonly title: string
  /** The letter after g. */
  readonly key: string
  /**
   * Metrics of which it draws single probes: their rows are read when the screen is opened. What is drawn as curves
   * over probes alone is no part of it, app.curves asks for that.
   */
  readonly metrics: (view: { readonly metric: string }) => readonly string[]
}

/** A page that needs no run: `#/<place>`. */
export type PlaceScreen = Loadable<{ readonly app: App }> & {
  readonly place: Exclude<Place, 'runs'>
  readonly title: string
  /** Heading of the page, for those who read headings. */
  readonly says: string
}

export interface ToolProps {
  readonly app: App
  /** Closes the dialog. */
  readonly close: () => void
}

/** A dialog that the header opens: over the runs that are shown, or over the list of runs. */
export type Tool = Loadable<ToolProps> & {
  readonly id: string
  readonly title: string
  /** Only where runs are open. */
  readonly ofRuns: boolean
}
