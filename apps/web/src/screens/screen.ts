// What a screen is. To add one: write its module, list it in index.ts. A screen is always shown in the
// navigation; where the runs lack what it needs, its panels say so and name the command.
import type { ComponentType } from 'preact'
import type { ScreenProps } from '../shell/context.ts'
import type { Page } from '../state/address.ts'

export interface Screen {
  readonly page: Page
  readonly title: string
  /** The letter after g. */
  readonly key: string
  /** Metrics whose rows it draws; they are read when the screen is opened. */
  readonly metrics: (view: { readonly metric: string }) => readonly string[]
  readonly View: ComponentType<ScreenProps>
}
