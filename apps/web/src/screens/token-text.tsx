// A response as running text whose tokens are coloured by a number: spaces, line ends and bytes are visible, each
// token's place, id and number are one hover or focus away.
import { show, signed } from '@ldyn/figures'
import { tokenText } from '../data/matrices.ts'
import { cssColour, inkOn, SIGNED, stepOf } from '../drawing/colour.ts'
import { scaleFor } from '../drawing/colour-limits.ts'

export interface TextToken {
  readonly text: string
  readonly id?: number
  readonly value: number
  /** Further numbers by name, for the hover. */
  readonly more?: Readonly<Record<string, number>>
}

export const TokenText = ({
  tokens,
  unit,
  picked,
  onPick,
}: {
  tokens: readonly TextToken[]
  unit: string
  picked?: number
  onPick?: (i: number) => void
}) => {
  const scale = scaleFor(
    tokens.map(({ value }) => value),
    true,
  )
  return (
    <div class="token-text" role="list" aria-label="Tokens of the response">
      {tokens.map(({ text, id, value, more = {} }, i) => {
        const step = stepOf(value, scale)
        const known = Object.entries(more).map(([name, number]) => `${name} ${show(number)}`)
        const about = `token ${i}${id === undefined ? '' : `, id ${id}`}: ${[`${signed(value)} ${unit}`, ...known].join(', ')}`
        return (
          <span key={i} role="listitem">
            <button
              type="button"
              class="token"
              aria-pressed={picked === i}
              title={about}
              style={{ background: cssColour(SIGNED, step), color: inkOn(step, SIGNED) }}
              onClick={() => onPick?.(i)}
            >
              {tokenText(text)}
              <span class="sr">{` ${about}`}</span>
            </button>
            {text.includes('\n') && <br />}
          </span>
        )
      })}
    </div>
  )
}
