// What stands in place of the figures of the paper in a snapshot: what draws them would weigh more than many runs.
import { CommandLine } from '../shell/command-line.tsx'

export const FiguresGallery = () => (
  <section class="empty">
    <h2>The figures of the paper are not in this file</h2>
    <p>
      What draws them does not fit into it. Whoever has the runs draws them with this command, or in the
      viewer (ldyn view); and every panel of this file saves itself as SVG and PNG.
    </p>
    <CommandLine command="ldyn plot <run> --figure all --out figures --png" />
  </section>
)
