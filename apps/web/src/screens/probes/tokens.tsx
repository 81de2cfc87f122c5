// One probe token by token (ux.md §5.7): every response as the model sees it, each token coloured by its log π at the
// step, or by its change since the step compared with. Spaces, line ends, bytes and specials have visible signs and an
// id (ux.md R12). All responses of a probe lie side by side in the file, so two reads are all there is.
import { inOrder, plural, show } from '@ldyn/figures'
import { paths, tokenCount } from '@ldyn/runs'
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import { troubleOf, type OpenRun, type Trouble } from '../../data/run-store.ts'
import { observeAfter } from '../../panels/making.ts'
import { notRecorded } from '../../panels/not-recorded.ts'
import type { PanelModel, Table } from '../../panels/panel.ts'
import { Swatch } from '../../shell/swatch.tsx'
import { TokenText } from '../token-text.tsx'

export interface ResponseTokens {
  readonly type: string
  /** Undefined where the run does not keep what its tokens are. */
  readonly text?: readonly string[]
  readonly ids?: readonly number[]
  /** log π of every token, nats, at the two evaluations. */
  readonly now: Float32Array
  readonly then: Float32Array
}

/** Where the tokens of a probe lie in a row of the token file: from, and how many. */
export const spanOf = (
  { probes }: Pick<LiveData, 'probes'>,
  row: number,
): { readonly from: number; readonly count: number } | undefined => {
  const own = probes?.columns.filter(column => column.row === row) ?? []
  if (own.length === 0) return undefined
  const from = Math.min(...own.map(({ offset }) => offset))
  return { from, count: Math.max(...own.map(({ offset, tokens }) => offset + tokens)) - from }
}

/** The two rows of numbers, cut into responses. */
export const responsesOf = (
  run: Pick<LiveData, 'probes' | 'types'>,
  row: number,
  now: Float32Array,
  then: Float32Array,
): readonly ResponseTokens[] => {
  const span = spanOf(run, row)
  if (!span) return []
  const absent = new Set(run.probes!.absent)
  return inOrder(run.types).flatMap(({ key }): ResponseTokens[] => {
    const i = run.probes!.columns.findIndex(column => column.row === row && column.type === key)
    if (i < 0 || absent.has(i)) return []
    const { offset, tokens } = run.probes!.columns[i]
    const known = run.probes!.rows[row].tokens?.[key]
    const at = offset - span.from
    return [
      {
        type: key,
        // Tokens that are not as many as numbers are not these tokens.
        ...(known?.text.length === tokens && { text: known.text, ids: known.ids }),
        now: now.subarray(at, at + tokens),
        then: then.subarray(at, at + tokens),
      },
    ]
  })
}

export const tokenTable = (responses: readonly ResponseTokens[], step: number, versus: number): Table => ({
  head: ['type', 'token', 'id', 'text', `log π at ${step}`, `log π at ${versus}`, 'Δ'],
  rows: responses.flatMap(({ type, text, ids, now, then }) =>
    [...now].map((value, i) => [type, i, ids?.[i], text?.[i], value, then[i], value - then[i]]),
  ),
})

interface Read {
  readonly name: string
  readonly responses: readonly ResponseTokens[]
}

/** Log-probs of one probe's tokens at two evaluations; read when they are looked at, and again only for others. */
export const useTokens = (
  run: LiveData,
  opened: OpenRun,
  row: number,
  evaluation: number,
  versus: number,
): { readonly found?: readonly ResponseTokens[]; readonly trouble?: Trouble } => {
  const [found, trouble] = [useSignal<Read | undefined>(undefined), useSignal<Trouble | undefined>(undefined)]
  const has = run.manifest.columns.tokens.includes('logp')
  const name = `${run.id} ${row} ${evaluation} ${versus}`
  useEffect(() => {
    const span = spanOf(run, row)
    if (!has || !span || found.peek()?.name === name) return
    let current = true
    const width = tokenCount(run.probes!)
    const read = async (line: number): Promise<Float32Array> => {
      const bytes = await opened.files.read(
        paths.tokens('logp'),
        (line * width + span.from) * 4,
        span.count * 4,
      )
      return new Float32Array(bytes.slice().buffer)
    }
    Promise.all([read(evaluation), evaluation === versus ? undefined : read(versus)]).then(
      ([now, then]) => {
        if (!current) return
        trouble.value = undefined
        found.value = { name, responses: responsesOf(run, row, now, then ?? now) }
      },
      (error: unknown) => {
        if (current) trouble.value = troubleOf(error)
      },
    )
    return () => {
      current = false
    }
  }, [name, has])
  // While others are read, those before stay: the page does not jump as the step moves.
  return { found: found.value?.responses, trouble: trouble.value }
}

const Blocks = ({
  responses,
  change,
  types,
  blur,
  focus,
}: {
  responses: readonly ResponseTokens[]
  change: boolean
  types: readonly string[]
  blur: boolean
  focus: string | undefined
}) => (
  <ul class="token-blocks">
    {responses.map(({ type, text, ids, now, then }) => {
      const look = inOrder(types).find(({ key }) => key === type)!.look
      const sum = now.reduce((total, x) => total + x, 0)
      return (
        <li key={type} class={type === focus ? 'focus' : undefined}>
          <h3>
            <Swatch look={look} /> {type}{' '}
            <span class="muted">
              {show(sum)} nats over {plural(now.length, 'token')}
            </span>
          </h3>
          <div class={blur ? 'blurred' : undefined} tabIndex={blur ? 0 : undefined}>
            <TokenText
              unit="nats"
              tokens={[...now].map((value, i) => ({
                // Without its text a token is told by its place.
                text: text?.[i] ?? `${i}`,
                ...(ids && { id: ids[i] }),
                value: change ? value - then[i] : value,
                more: { [change ? 'log π' : 'Δ']: change ? value : value - then[i] },
              }))}
            />
          </div>
        </li>
      )
    })}
  </ul>
)

/** All responses of a probe, token by token, as a panel. */
export const tokensPanel = ({
  run,
  row,
  step,
  versus,
  change,
  blur,
  focus,
  read,
}: {
  run: LiveData
  row: number
  step: number
  versus: number
  change: boolean
  blur: boolean
  focus: string | undefined
  read: ReturnType<typeof useTokens>
}): PanelModel => {
  const id = 'tokens'
  const title = `Probe #${row}, token by token`
  const says = change
    ? `Δ log π of each token from step ${versus} to step ${step}, in nats: blue became more probable, red less.`
    : `log π of each token at step ${step}, in nats: the redder, the less probable.`
  if (!run.manifest.columns.tokens.includes('logp')) {
    return {
      id,
      kind: 'missing',
      title,
      says,
      missing: run.manifest.imported
        ? { what: 'The imported log holds sums over responses, no single tokens.' }
        : notRecorded(
            run,
            'log π of single tokens was not recorded.',
            { name: 'tokens', settings: ['observe.tokens=true'] },
            { what: 'As JSON lines', command: observeAfter(run, '--tokens') },
          ),
    }
  }
  if (read.trouble) return { id, kind: 'trouble', title, says, trouble: read.trouble }
  const { found } = read
  if (!found) return { id, kind: 'loading', title, says }
  return {
    id,
    kind: 'drawn',
    title,
    says,
    notes: found.some(({ text }) => text === undefined)
      ? [
          'This run does not keep what its tokens are: they are shown by their places. Runs of later versions keep the text.',
        ]
      : [],
    draw: () => <Blocks responses={found} change={change} types={run.types} blur={blur} focus={focus} />,
    table: () => tokenTable(found, step, versus),
  }
}
