// The guided steps: the paper's argument in four frames, each an address. What a step shows is computed like any other
// frame; what it says here is only what to look at.
import { gptDefaults, toyDefaults, writeSettings, type LabSettings, type ToySettings } from './settings.ts'

export interface GuidedStep {
  readonly title: string
  readonly look: string
  readonly settings: LabSettings
}

const step = (title: string, look: string, toy: Partial<ToySettings>): GuidedStep => ({
  title,
  look,
  settings: { sim: 'squeeze', toy: { ...toyDefaults('squeeze'), ...toy }, gpt: gptDefaults },
})

export const STEPS: readonly GuidedStep[] = [
  step(
    'Pull y⁺ up',
    'What SFT does. What y⁺ gains comes from the peak; the distribution becomes flatter, not peakier.',
    { push: 'pos' },
  ),
  step(
    'Push y⁻ down on the peak',
    'y⁻ is the likeliest class. What it loses is large, and the others share it: pushing works as one would hope.',
    { neg: 0 },
  ),
  step(
    'Push y⁻ down in the valley',
    'y⁻ holds next to nothing. It has nothing to give, and still the likeliest class rises: it takes from all others.',
    {},
  ),
  step(
    'Extend: learn y⁻ first, then push it',
    'The paper’s remedy: SFT on y⁻ too, then the same push. y⁻ has something to give now: the peak gains less, y⁺ keeps more.',
    { ext: 8 },
  ),
]

const same = (a: LabSettings, b: LabSettings): boolean =>
  JSON.stringify(writeSettings(a)) === JSON.stringify(writeSettings(b))

/** Which step these settings are, from 0; −1 for none. How many updates were done does not matter. */
export const stepOf = (settings: LabSettings): number =>
  STEPS.findIndex(one =>
    same({ ...one.settings, toy: { ...one.settings.toy, n: 0 } }, { ...settings, toy: { ...settings.toy, n: 0 } }),
  )
