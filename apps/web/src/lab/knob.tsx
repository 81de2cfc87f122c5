// A number that is set by a slider or typed: both say the same, and the slider may be logarithmic.
import { RANGES } from './settings.ts'

interface Props {
  readonly name: string
  readonly says: string
  readonly value: number
  readonly range: readonly [number, number]
  readonly step: number
  readonly log?: boolean
  readonly set: (value: number) => void
}

const TRAVEL = 200

export const Knob = ({ name, says, value, range: [low, high], step, log = false, set }: Props) => {
  const to = (v: number): number =>
    log ? (TRAVEL * Math.log(Math.max(v, low) / low)) / Math.log(high / low) : v
  const rounded = (v: number): number => {
    const near = Math.round(v / step) * step
    return Math.min(high, Math.max(low, Number(near.toFixed(6))))
  }
  const back = (at: number): number => rounded(log ? low * (high / low) ** (at / TRAVEL) : at)
  return (
    <div class="knob">
      <label>
        <span class="knob-name">{name}</span> <span class="muted">{says}</span>
        <input
          type="range"
          min={log ? 0 : low}
          max={log ? TRAVEL : high}
          step={log ? 1 : step}
          value={to(value)}
          aria-valuetext={`${value}`}
          onInput={event => set(back(Number(event.currentTarget.value)))}
        />
      </label>
      <input
        type="number"
        aria-label={`${name}: ${says}`}
        min={low}
        max={high}
        step={step}
        value={value}
        onChange={event => {
          const typed = Number(event.currentTarget.value)
          if (event.currentTarget.value !== '' && Number.isFinite(typed)) set(rounded(typed))
        }}
      />
    </div>
  )
}

/** The seed, as a number that is typed; anything else is left as it was. */
export const SeedInput = ({ seed, set }: { readonly seed: number; readonly set: (seed: number) => void }) => (
  <label class="lab-select">
    seed{' '}
    <input
      type="number"
      min={0}
      max={RANGES.seed[1]}
      step={1}
      value={seed}
      onChange={event => {
        const given = Number(event.currentTarget.value)
        if (Number.isInteger(given) && given >= 0 && given <= RANGES.seed[1]) set(given)
      }}
    />
  </label>
)
