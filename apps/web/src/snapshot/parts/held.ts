// Views of parts that not every snapshot carries (../format.ts): their scripts run before the page begins, and put
// them here.
import type { ComponentType } from 'preact'
import type { LabProps } from '../../screens/lab/lab-page.tsx'
import type { App, ScreenProps } from '../../shell/context.ts'

export interface PartViews {
  readonly kernel: ComponentType<ScreenProps>
  readonly figures: ComponentType<ScreenProps>
  readonly lab: ComponentType<{ readonly app: App }>
  readonly gpt: ComponentType<LabProps>
}

/** What the scripts of this file brought. */
export const held: { -readonly [P in keyof PartViews]?: PartViews[P] } = {}
