// Where the tiny GPT stands in the Lab of a snapshot: the one that its script brought, or where it can be had.
import type { LabProps } from '../../screens/lab/lab-page.tsx'
import { held } from './held.ts'

export const LabGpt = (props: LabProps) =>
  held.gpt ? (
    <held.gpt {...props} />
  ) : (
    <section class="empty">
      <h2>This file was made without the tiny GPT</h2>
      <p>
        What trains it weighs as much as many runs. The viewer has it: install ldyn, run ldyn view, and open Lab there.
        Everything in the address behind # works there too.
      </p>
    </section>
  )
