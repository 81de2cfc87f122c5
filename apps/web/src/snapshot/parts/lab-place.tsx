// Where the Lab stands in a snapshot: the one that its script brought, or where it can be had.
import type { App } from '../../shell/context.ts'
import { held } from './held.ts'

export const LabPage = (props: { readonly app: App }) =>
  held.lab ? (
    <held.lab {...props} />
  ) : (
    <section class="empty">
      <h2>This file was made without the Lab</h2>
      <p>
        The viewer has it: install ldyn, run ldyn view, and open Lab there. Everything in the address behind # works
        there too.
      </p>
    </section>
  )
