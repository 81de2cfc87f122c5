/**
 * Which panels show a run: those of the paper's Figures 3 and 4 (one group of response types each, the greedy token
 * against chosen, the margin) and the log of the training; for several runs those of Figure 5, overlaid.
 * Sums over a response and values per token are different panels and never share an axis.
 */
import { isSum, type Per } from '@ldyn/runs'
import { argmaxType } from './imported.ts'
import { drawLines, stageMarks, type Drawn, type Panel, type Section } from './lines.ts'
import { ARGMAX, groups, inOrder, looks, readingOf, responseType, type Group, type ResponseType } from './response-types.ts'
import { meanOfTypes, minus, sampleOf, sinceStart, type RunData, type Sample } from './series.ts'
import { logPanels } from './training-panels.ts'

/** A panel before it is known where the stages lie. */
type Draft = Omit<Panel, 'stages'>

const perSays = (per: Per) =>
  per === 'token'
    ? 'Mean over probes of the response’s log-probability divided by its number of tokens (EOS included).'
    : 'Mean over probes of log π(response | prompt), summed over the response’s tokens.'
const perUnit = (per: Per) => (per === 'token' ? 'log π per token (nats)' : 'log π (nats)')

const typeOf = (type: ResponseType, metric: string, per: Per, own: Partial<Drawn> = {}): Drawn => ({
  key: type.key,
  label: type.key,
  reading: readingOf(type),
  look: type.look,
  of: (data) => sampleOf(data, metric, type.key, per),
  ...own,
})

const titles: Readonly<Record<Group, string>> = {
  chosen: 'Chosen and its kin',
  rejected: 'Rejected and its kin',
  irrelevant: 'Answers to other questions',
  'non-human': 'Shuffled words',
  other: 'Other types',
}
const groupSays: Readonly<Record<Group, string>> = {
  chosen: 'The preferred response, its rephrasings, and what the model said before finetuning.',
  rejected: 'The dispreferred response and its rephrasings.',
  irrelevant:
    'The same prompts with another training question’s answer, a held-out question’s answer, a random sentence.',
  'non-human': 'Word salad: what learning should never make likelier.',
  other: 'Types that the paper does not have.',
}

/** The likeliest token along chosen; where a log holds it along another type alone, that one, and the label says so. */
const argmaxOf = (runs: readonly RunData[], per: Per): Drawn => {
  const others = [...new Set(runs.map(argmaxType))].filter((type) => type !== 'chosen')
  return {
    key: 'argmax',
    label: others.length === 0 ? ARGMAX.label : `${ARGMAX.label} of ${others.join(', ')}`,
    reading: others.length === 0 ? ARGMAX.reading : undefined,
    look: looks.argmax,
    of: (data) => sampleOf(data, 'argmax_logp', argmaxType(data), per),
  }
}

/** Said with every figure of the greedy token that is not chosen's. */
const argmaxCaution = (runs: readonly RunData[]): string => {
  const others = [...new Set(runs.map(argmaxType))].filter((type) => type !== 'chosen')
  return others.length === 0
    ? ''
    : ` CAUTION: in the imported log the curve is that of ${others.join(', ')}, not of chosen (a known defect of the released code), so it cannot be set against chosen.`
}

const groupPanels = (runs: readonly RunData[], all: readonly ResponseType[], per: Per): readonly Draft[] => {
  const suffix = per === 'token' ? '-token' : ''
  const section: Section = per === 'token' ? 'token' : 'logp'
  const byGroup = groups.map((group): Draft => ({
    id: `${group}${suffix}`,
    section,
    title: titles[group],
    says: `${groupSays[group]} ${perSays(per)}`,
    unit: perUnit(per),
    lines: drawLines(
      runs,
      all.filter((type) => type.group === group).map((type) => typeOf(type, 'logp', per)),
    ),
  }))
  const chosen = all.find(({ key }) => key === 'chosen')
  const squeezing: Draft = {
    id: `squeezing${suffix}`,
    section,
    title: 'Greedy token against chosen',
    says:
      'Where the mass goes, on the chosen response’s own context: log max π is the log-probability of whichever token ' +
      `is likeliest at each position. Argmax up while chosen falls is the squeezing effect.${argmaxCaution(runs)}`,
    unit: perUnit(per),
    lines: drawLines(runs, [argmaxOf(runs, per), ...(chosen ? [typeOf(chosen, 'logp', per)] : [])]),
  }
  const margin: Draft = {
    id: `margin${suffix}`,
    section,
    title: 'Margin',
    zero: true,
    says: 'log π(chosen) − log π(rejected), paired by probe. Positive: the preferred response is the more probable one.',
    unit: per === 'token' ? 'nats per token' : 'nats',
    lines: drawLines(runs, [
      {
        key: 'margin',
        label: 'margin',
        look: looks.margin,
        of: (data) =>
          difference(sampleOf(data, 'logp', 'chosen', per), sampleOf(data, 'logp', 'rejected', per)),
      },
    ]),
  }
  return [...byGroup.slice(0, 2), squeezing, ...byGroup.slice(2), margin]
}

const difference = (a: Sample | undefined, b: Sample | undefined): Sample | undefined =>
  a && b ? minus(a, b) : undefined

/** One type of each kind: what the overview and the measures of confidence show. */
const leading = (all: readonly ResponseType[]): readonly ResponseType[] => {
  const wanted = ['chosen', 'rejected', 'irr_train', 'irr_test', 'random_permute']
  const found = all.filter(({ key }) => wanted.includes(key))
  return found.length > 0 ? found : all.slice(0, 5)
}

const confidence: readonly { metric: string; title: string; unit: string; says: string }[] = [
  {
    metric: 'entropy',
    title: 'Entropy',
    unit: 'nats',
    says: 'Mean over tokens of −Σ π log π. It falls as the distribution becomes peaked.',
  },
  {
    metric: 'a_norm',
    title: 'Peakiness ‖A‖',
    unit: '‖A‖ (Frobenius norm)',
    says: 'Mean over tokens of √(V − 2 + V‖π‖²), the norm of A = I − 1πᵀ; V is the size of the vocabulary. Higher: more peaked.',
  },
  {
    metric: 'energy',
    title: 'Surprise 1 − π',
    unit: 'probability',
    says: 'Mean over tokens of 1 − π(token): 0 where every token is certain, 1 where none is expected.',
  },
]

const confidencePanels = (runs: readonly RunData[], all: readonly ResponseType[]): readonly Draft[] =>
  confidence.map(({ metric, title, unit, says }) => ({
    id: metric,
    section: 'confidence',
    title,
    unit,
    says: `${says} Along each response, given its own tokens so far.`,
    lines: drawLines(
      runs,
      leading(all).map((type) => typeOf(type, metric, 'response')),
    ),
  }))

/** Every type as the change since the first evaluation. */
const overview = (runs: readonly RunData[], all: readonly ResponseType[]): Draft => ({
  id: 'change',
  section: 'overview',
  title: 'How far each response moved',
  zero: true,
  says:
    'Change of log π since the first evaluation, mean over probes, nats per response; up means more probable. The band is the ' +
    'standard error of the change itself (each probe against its own start).',
  unit: 'Δ log π (nats)',
  lines: drawLines(
    runs,
    [...leading(all).map((type) => typeOf(type, 'logp', 'response')), argmaxOf(runs, 'response')].map((drawn) => ({
      ...drawn,
      of: (data: RunData) => startAtZero(drawn.of(data)),
    })),
  ),
})
const startAtZero = (sample: Sample | undefined) => sample && sinceStart(sample)

/** Fig. 5: chosen, rejected, the mean of all others, the greedy token; then every other type by itself. */
const comparison = (runs: readonly RunData[], all: readonly ResponseType[]): readonly Draft[] => {
  const others = othersOf(all.map(({ key }) => key))
  const one = (type: ResponseType, section: Section): Draft => ({
    id: `only-${type.key}`,
    section,
    title: type.key,
    says: `${titleCase(type.says)}. ${perSays('response')}`,
    unit: perUnit('response'),
    lines: drawLines(runs, [typeOf(type, 'logp', 'response')]),
  })
  const main = all.filter(({ key }) => key === 'chosen' || key === 'rejected')
  return [
    ...main.map((type) => one(type, 'overview')),
    {
      id: 'others',
      section: 'overview',
      title: 'Other responses',
      unit: perUnit('response'),
      says: `Mean of ${others.length} types that are neither chosen nor rejected, averaged within each probe first. ${perSays('response')}`,
      lines: drawLines(runs, [
        {
          key: 'others',
          label: 'others',
          look: looks.margin,
          of: (data) => meanOfTypes(data, 'logp', others),
        },
      ]),
    },
    {
      id: 'argmax',
      section: 'overview',
      title: 'Argmax',
      unit: perUnit('response'),
      says: `log max π summed along the chosen response: where the likeliest token is, whatever it is. It rises when mass is squeezed.${argmaxCaution(runs)}`,
      lines: drawLines(runs, [argmaxOf(runs, 'response')]),
    },
    ...all.filter(({ key }) => others.includes(key)).map((type) => one(type, 'others')),
  ]
}

/** Types that are neither trained up nor down. */
export const othersOf = (types: readonly string[]): readonly string[] =>
  types.filter((type) => type !== 'chosen' && type !== 'rejected')

const titleCase = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** All panels of one run, or of several overlaid; only those that have something to show. */
export const panelsOf = (runs: readonly RunData[]): readonly Panel[] => {
  const all = inOrder([...new Set(runs.flatMap(({ types }) => types))])
  const stages = stageMarks(runs)
  const probing =
    runs.length === 1
      ? [
          overview(runs, all),
          ...groupPanels(runs, all, 'response'),
          ...confidencePanels(runs, all),
          ...groupPanels(runs, all, 'token'),
        ]
      : [
          ...comparison(runs, all),
          ...groupPanels(runs, all, 'response').filter(({ id }) => id === 'margin'),
          ...confidencePanels(
            runs,
            all.filter(({ key }) => key === 'chosen'),
          ),
          ...comparisonPerToken(runs, all),
        ]
  return [
    ...probing
      .filter(({ lines }) => lines.length > 0 && lines.some((line) => line.steps.length > 0))
      .map((panel) => ({ ...panel, stages })),
    ...logPanels(runs),
  ]
}

const comparisonPerToken = (runs: readonly RunData[], all: readonly ResponseType[]): readonly Draft[] =>
  all.map((type) => ({
    id: `only-${type.key}-token`,
    section: 'token',
    title: type.key,
    says: `${titleCase(type.says)}. ${perSays('token')}`,
    unit: perUnit('token'),
    lines: drawLines(runs, [typeOf(type, 'logp', 'token')]),
  }))

export interface Selection {
  readonly metric: string
  /** Response types, and `argmax` for the likeliest token along chosen. */
  readonly types: readonly string[]
  readonly per: Per
  /** As the change since the first evaluation. */
  readonly change?: boolean
}

/** Any types of any metric in one panel, for the terminal; undefined where no run has any of them. */
export const selectedPanel = (
  runs: readonly RunData[],
  { metric, types, per, change = false }: Selection,
): Panel | undefined => {
  const drawn = types.map((key, i): Drawn => {
    const one = key === 'argmax' ? argmaxOf(runs, per) : typeOf(responseType(key, i), metric, per)
    return change ? { ...one, of: (data) => startAtZero(one.of(data)) } : one
  })
  const lines = drawLines(runs, drawn)
  if (lines.length === 0) return undefined
  const unit = isSum(metric)
    ? `${metric} ${per === 'token' ? 'per token' : 'summed over tokens'} (nats)`
    : `${metric}, mean over tokens`
  return {
    id: metric,
    section: 'logp',
    title: metric,
    says: 'Mean over probes.',
    unit: change ? `change of ${unit}` : unit,
    lines,
    stages: stageMarks(runs),
    zero: change,
  }
}
