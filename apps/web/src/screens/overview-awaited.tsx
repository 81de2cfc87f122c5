// Words that are not known yet keep their place: lines as long as such words are, so that what stands below does not
// move when they come. Whoever reads the page without looking is told that they are being found.

export interface Awaited {
  readonly about: string
  /** About how many letters will be said of it. */
  readonly letters: number
}

// Broken into lines as words are.
const filler = (letters: number): string => 'words '.repeat(Math.ceil(letters / 6)).slice(0, letters)

export const AwaitedList = ({ items }: { items: readonly Awaited[] }) => (
  <ul aria-hidden="true">
    {items.map(({ about, letters }) => (
      <li key={about}>
        <span class="awaited">
          <span>
            <span class="about">{about}</span> {filler(letters)}
          </span>
        </span>
      </li>
    ))}
  </ul>
)
