/**
 * The response types of the paper's probing set (paper.md §3): which group each belongs to, what it is, and how its
 * line looks in every figure. Chosen is blue and rejected vermilion everywhere; what is derived from them shares the
 * hue and differs in dash and marker, since colour alone tells nobody with another colour vision anything (ux.md §4.4).
 */

export type Group = 'chosen' | 'rejected' | 'irrelevant' | 'non-human' | 'other'

export type Marker = 'circle' | 'square' | 'triangle' | 'diamond'

/** How a line is drawn: a colour on white, one on the dark page, a dash pattern (SVG units) and a marker. */
export interface Look {
  readonly light: string
  readonly dark: string
  readonly dash: string
  readonly marker: Marker
  readonly width: number
}

export interface ResponseType {
  readonly key: string
  readonly group: Group
  /** The key in plain words, where there are shorter ones than what it says; the key itself else. */
  readonly short: string
  /** The paper's symbol, where it has one. */
  readonly symbol: string
  readonly says: string
  readonly look: Look
}

const look = (light: string, dark: string, dash = '', marker: Marker = 'circle', width = 1.6): Look => ({
  light,
  dark,
  dash,
  marker,
  width,
})

// Any two differ by CIEDE2000 ≥ 12 for every colour vision, or in the kind of their dash (solid, dots, dashes, dash and
// dot), or in their marker; the solid ones always by colour. Held by apps/web/src/drawing/palette.test.ts, as is 3:1
// against the page.
export const looks = {
  chosen: look('#0072B2', '#56B4E9', '', 'circle', 2.2),
  chosenSemantic: look('#2B3A9B', '#9AA7FF', '6 3', 'square'),
  chosenFormat: look('#0E8A8A', '#3FD0C9', '2 2.5', 'triangle'),
  chosenSelf: look('#7A5FC7', '#C7B3FF', '8 3 2 3', 'diamond'),
  initial: look('#6B7280', '#A9B1BD', '1.5 2.5', 'diamond'),
  rejected: look('#D55E00', '#FF8A4C', '', 'square', 2.2),
  rejectedSemantic: look('#950915', '#F0648C', '6 3', 'circle'),
  rejectedFormat: look('#A66A00', '#E3B341', '2 2.5', 'triangle'),
  otherAnswer: look('#00563F', '#93F2CC', '2.5 2.5', 'square', 2),
  heldOut: look('#6F8200', '#C3D64F', '7 3', 'diamond'),
  sentence: look('#6B7280', '#A9B1BD', '9 3 2 3', 'triangle'),
  permuted: look('#874A63', '#D993B1', '7 2 1.5 2 1.5 2', 'circle', 2),
  permutedOther: look('#8A6D3B', '#CDB285', '3 3', 'square'),
  argmax: look('#5A1F80', '#9058E0', '', 'diamond', 2.6),
  margin: look('#00563F', '#93F2CC', '', 'circle', 2),
} as const satisfies Record<string, Look>

/** For what has no place of its own: further types, and columns of the training log. */
const spare: readonly Look[] = [
  look('#0072B2', '#56B4E9', ''),
  look('#D55E00', '#FF8A4C', '6 3', 'square'),
  look('#00563F', '#93F2CC', '2 2.5', 'triangle'),
  look('#874A63', '#D993B1', '8 3 2 3', 'diamond'),
  look('#2B3A9B', '#9AA7FF', '4 4', 'circle'),
  look('#6B7280', '#A9B1BD', '10 4', 'square'),
]
export const spareLook = (i: number): Look => spare[i % spare.length]

/** Dash patterns by run, where several runs share a figure: there the colour says the type and the dash the run. */
const runDashes = ['', '6 3', '2 2.5', '8 3 2 3', '4 4', '10 4']
export const runDash = (run: number): string => runDashes[run % runDashes.length]

const type = (
  key: string,
  group: Group,
  short: string,
  symbol: string,
  own: Look,
  says: string,
): ResponseType => ({ key, group, short, symbol, says, look: own })

const known: readonly ResponseType[] = [
  type('chosen', 'chosen', 'chosen', 'y⁺', looks.chosen, 'the preferred response'),
  type(
    'chosen_gptsemantic',
    'chosen',
    'rephrased',
    'y⁺ gpts',
    looks.chosenSemantic,
    'the preferred response in other words',
  ),
  type(
    'chosen_gptformat',
    'chosen',
    'same form',
    'y⁺ gptf',
    looks.chosenFormat,
    'the form of the preferred response with another meaning',
  ),
  type(
    'chosen_selfr',
    'chosen',
    'self-rephrased',
    'y⁺ selfr',
    looks.chosenSelf,
    'the preferred response as the model itself rephrases it',
  ),
  type(
    'chosen_initial',
    'chosen',
    'model’s own',
    'y init',
    looks.initial,
    'what the model itself answered before finetuning',
  ),
  type('rejected', 'rejected', 'rejected', 'y⁻', looks.rejected, 'the dispreferred response'),
  type(
    'reject_gptsemantic',
    'rejected',
    'rephrased',
    'y⁻ gpts',
    looks.rejectedSemantic,
    'the dispreferred response in other words',
  ),
  type(
    'reject_gptformat',
    'rejected',
    'same form',
    'y⁻ gptf',
    looks.rejectedFormat,
    'the form of the dispreferred response with another meaning',
  ),
  type(
    'irr_train',
    'irrelevant',
    'other training',
    'y⁺ j≠u',
    looks.otherAnswer,
    'the preferred response to another training question',
  ),
  type(
    'irr_test',
    'irrelevant',
    'held-out',
    'y⁺ test',
    looks.heldOut,
    'the preferred response to a question that is not trained on',
  ),
  type(
    'irr_hum',
    'irrelevant',
    'random sentence',
    'y hum',
    looks.sentence,
    'a random sentence of about the same length',
  ),
  type(
    'random_permute',
    'non-human',
    'chosen shuffled',
    'y⁺ urnd',
    looks.permuted,
    'the words of the preferred response in random order',
  ),
  type(
    'random_nonhum',
    'non-human',
    'held-out shuffled',
    'y rnd',
    looks.permutedOther,
    'the words of a held-out response in random order',
  ),
]

/**
 * The type of a probe column. One that the paper does not have is under its own name: in the group that its name begins
 * with, else in "other".
 */
export const responseType = (key: string, nth = 0): ResponseType => {
  const found = known.find((type) => type.key === key)
  if (found) return found
  const own = { key, short: key, symbol: '', says: 'a type of this probe set' }
  // A probe set of one's own may name further variants of either: they keep its hue, in another dash.
  if (/^chosen_/.test(key)) return { ...own, group: 'chosen', look: kin(looks.chosenSemantic, nth) }
  if (/^reject(ed)?_/.test(key)) return { ...own, group: 'rejected', look: kin(looks.rejectedSemantic, nth) }
  // Blue and vermilion belong to chosen and rejected alone.
  return { ...own, group: 'other', look: spare[2 + (nth % (spare.length - 2))] }
}
const kin = (look: Look, nth: number): Look => ({ ...look, dash: runDashes[1 + (nth % (runDashes.length - 1))] })

/**
 * A type's short reading, to stand behind its key. The key leads everywhere: it is what files, addresses and commands
 * call the type, and what tells `chosen_gptsemantic` from `reject_gptsemantic`, which read the same. Undefined where
 * the key is plain.
 */
export const readingOf = ({ key, short }: ResponseType): string | undefined => (short === key ? undefined : short)

/** What the likeliest token's curve is called, which is no response type, and its reading. */
export const ARGMAX = { label: 'argmax', reading: 'likeliest token' } as const

export const groups: readonly Group[] = ['chosen', 'rejected', 'irrelevant', 'non-human', 'other']

// Asked for each line of each figure of a run, whose types never change.
const ordered = new Map<string, readonly ResponseType[]>()

/** Types in the order of the paper's figures; unknown ones behind, in the order given. */
export const inOrder = (keys: readonly string[]): readonly ResponseType[] => {
  const name = JSON.stringify(keys)
  const found = ordered.get(name) ?? putInOrder(keys)
  ordered.set(name, found)
  return found
}

const putInOrder = (keys: readonly string[]): readonly ResponseType[] => {
  const unknown = keys.filter((key) => !known.some((found) => found.key === key))
  return [...known.filter(({ key }) => keys.includes(key)), ...unknown.map((key, i) => responseType(key, i))]
}
