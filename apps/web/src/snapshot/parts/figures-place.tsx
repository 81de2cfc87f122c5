// Where the figures of the paper stand in a snapshot: those that its script brought, or where they can be had.
import { CommandLine } from '../../shell/command-line.tsx'
import type { ScreenProps } from '../../shell/context.ts'
import { held } from './held.ts'

export const FiguresGallery = (props: ScreenProps) =>
  held.figures ? (
    <held.figures {...props} />
  ) : (
    <section class="empty">
      <h2>This file was made without the figures of the paper</h2>
      <p>
        Whoever has the runs draws them with this command, or in the viewer (ldyn view); and every panel of this file
        saves itself as SVG and PNG.
      </p>
      <CommandLine command="ldyn plot <run> --figure all --out figures --png" />
    </section>
  )
