// Sentences of @ldyn/figures as a list, each behind what it is about.
import type { Passage } from '@ldyn/figures'

export const Sentences = ({ of }: { of: Passage['sentences'] }) => (
  <ul>
    {of.map(({ about, text }) => (
      <li key={about}>
        <span class="about">{about}</span> {text}
      </li>
    ))}
  </ul>
)
