// Where the screen of kernels stands in a snapshot: the one that its script brought, or where it can be had.
import type { ScreenProps } from '../../shell/context.ts'
import { held } from './held.ts'

export const KernelView = (props: ScreenProps) =>
  held.kernel ? (
    <held.kernel {...props} />
  ) : (
    <section class="empty">
      <h2>This file was made without kernels</h2>
      <p>Whoever has the runs sees them in the viewer: install ldyn, and run ldyn view.</p>
    </section>
  )
