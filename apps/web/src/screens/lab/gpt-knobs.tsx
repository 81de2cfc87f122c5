// What the tiny GPT is set to: its knobs.
import { Knob, SeedInput } from '../../lab/knob.tsx'
import { ENGINES, type EngineChoice, type GptSettings } from '../../lab/settings.ts'

const ENGINE_NAMES: Readonly<Record<EngineChoice, string>> = {
  auto: 'the best there is',
  webgpu: 'WebGPU',
  cpu: 'CPU worker',
  replay: 'a recorded run',
}

/** The recorded run would weigh as much as the page of a snapshot, in which a worker always starts. */
const HAS_REPLAY = !import.meta.env.SNAPSHOT

interface Props {
  readonly gpt: GptSettings
  readonly change: (patch: Partial<GptSettings>) => void
}

const SFTS = [
  ['y⁺', { ext: false, beside: false }],
  ['y⁺ and y⁻ (extend)', { ext: true, beside: false }],
  ['both in turn, to compare', { ext: false, beside: true }],
] as const

export const GptKnobs = ({ gpt, change }: Props) => (
  <section class="panel lab-knobs" aria-label="Knobs">
    <label class="lab-select">
      engine{' '}
      <select value={gpt.engine} onChange={event => change({ engine: event.currentTarget.value as EngineChoice })}>
        {ENGINES.filter(engine => engine !== 'replay' || HAS_REPLAY || gpt.engine === 'replay').map(engine => (
          <option key={engine} value={engine}>
            {ENGINE_NAMES[engine]}
          </option>
        ))}
      </select>
    </label>
    <SeedInput seed={gpt.seed} set={seed => change({ seed })} />
    <fieldset>
      <legend>SFT learns</legend>
      {SFTS.map(([name, { ext, beside }]) => (
        <label class="check" key={name}>
          <input
            type="radio"
            name="sft"
            checked={gpt.beside === beside && (beside || gpt.ext === ext)}
            onChange={() => change({ ext, beside })}
          />{' '}
          {name}
        </label>
      ))}
    </fieldset>
    <label class="check">
      <input type="checkbox" checked={gpt.known} onChange={() => change({ known: !gpt.known })} /> the base model knows
      y⁻’s manner (y⁻ is not off-policy)
    </label>
    <Knob name="base" says="updates" value={gpt.base} range={[0, 400]} step={5} set={base => change({ base })} />
    <Knob name="SFT" says={gpt.ext || gpt.beside ? 'updates; extend makes two for each' : 'updates'} value={gpt.sftUpdates} range={[0, 400]} step={5} set={sftUpdates => change({ sftUpdates })} />
    <Knob name="DPO" says="updates" value={gpt.dpoUpdates} range={[0, 400]} step={5} set={dpoUpdates => change({ dpoUpdates })} />
    <Knob name="lr" says="base and SFT (AdamW)" value={gpt.lr} range={[1e-4, 0.1]} step={1e-4} log set={lr => change({ lr })} />
    <Knob name="DPO lr" says="plain SGD, the theory’s step" value={gpt.dpoLr} range={[1e-3, 10]} step={1e-3} log set={dpoLr => change({ dpoLr })} />
    <Knob name="β" says="of DPO" value={gpt.beta} range={[0.01, 5]} step={0.01} log set={beta => change({ beta })} />
    <Knob name="layers" says="" value={gpt.layers} range={[1, 4]} step={1} set={layers => change({ layers })} />
    <Knob name="width" says="d" value={gpt.width} range={[16, 128]} step={16} set={width => change({ width })} />
  </section>
)
