// Kernel: who moves whom. The Gram matrix of gradients over probe responses, and the token-by-token
// contributions of one pair, as `ldyn kernel … --out <run>` left them beside the run.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { openMatrices, tokenText, type Matrices } from '../data/matrices.ts'
import { troubleOf, type OpenRun, type Trouble } from '../data/run-store.ts'
import type { PanelModel } from '../panels/panel.ts'
import type { ScreenProps } from '../shell/context.ts'
import { HeatFigure, heatTable, strongest, type Heat } from '../shell/heat-figure.tsx'
import { PanelFrame } from '../shell/panel-frame.tsx'
import { lastPart, show } from '@ldyn/figures'
import type { Screen } from './screen.ts'

export interface GramProbe {
  readonly row: number
  readonly type: string
  readonly tokens: number
}

/** Probes of a Gram matrix from its header; undefined where it names none, or another number than the matrix has. */
export const gramProbes = (about: unknown, n: number): readonly GramProbe[] | undefined => {
  const sound =
    Array.isArray(about) &&
    about.length === n &&
    about.every(
      (probe: Partial<GramProbe> | null) =>
        Number.isSafeInteger(probe?.row) && typeof probe?.type === 'string',
    )
  return sound ? (about as readonly GramProbe[]) : undefined
}

/** Rows and columns in another order. */
export const reorder = (values: ArrayLike<number>, order: readonly number[]): Float64Array => {
  const n = order.length
  const out = new Float64Array(n * n)
  order.forEach((from, r) =>
    order.forEach((to, c) => {
      out[r * n + c] = values[from * n + to]
    }),
  )
  return out
}

/** K_ij / √(K_ii K_jj): cosines of gradients, from −1 to 1; NaN where a gradient is 0. */
export const cosines = (values: ArrayLike<number>, n: number): Float64Array =>
  Float64Array.from({ length: n * n }, (_, i) => {
    const norm = Math.sqrt(values[Math.floor(i / n) * (n + 1)] * values[(i % n) * (n + 1)])
    return norm > 0 ? values[i] / norm : NaN
  })

interface Read {
  readonly matrices: Matrices
  readonly values: Float32Array
}

/** A matrix of a file beside the run, read when it is looked at and again when the file is another. */
const useMatrix = (run: OpenRun, path: string, name: string, version: number) => {
  const found = useSignal<Read | undefined>(undefined)
  const trouble = useSignal<Trouble | undefined>(undefined)
  const missing = useSignal(false)
  const tries = useSignal(0)
  useEffect(() => {
    let current = true
    const read = async (): Promise<void> => {
      const there = (await run.files.size(path)) !== undefined
      if (current) missing.value = !there
      if (!there) return
      const matrices = await openMatrices(run.files, path)
      const values = await matrices.read(name)
      if (current) [found.value, trouble.value] = [{ matrices, values }, undefined]
    }
    read().catch((error: unknown) => {
      if (current) trouble.value = troubleOf(error)
    })
    return () => {
      current = false
    }
  }, [run, path, name, version, tries.value])
  return {
    found: found.value,
    trouble: trouble.value,
    missing: missing.value,
    retry: () => {
      tries.value++
    },
  }
}

const waiting = (
  id: string,
  title: string,
  says: string,
  path: string,
  command: string,
  state: ReturnType<typeof useMatrix>,
): PanelModel | undefined => {
  if (state.missing)
    return {
      id,
      kind: 'missing',
      title,
      says,
      missing: { what: `There is no ${path} beside this run.`, command },
    }
  if (state.trouble) return { id, kind: 'trouble', title, says, trouble: state.trouble, retry: state.retry }
  return state.found ? undefined : { id, kind: 'loading', title, says, part: path }
}

const heatPanel = (id: string, title: string, says: string, heat: Heat): PanelModel => ({
  id,
  kind: 'drawn',
  title,
  says,
  draw: () => (
    <>
      <HeatFigure heat={heat} label={title} />
      <details>
        <summary>The strongest cells</summary>
        <ol class="cells-list">
          {strongest(heat, 20).map(({ row, column, value }) => (
            <li key={`${row} ${column}`}>
              {heat.rowName} <b>{heat.rows[row]}</b> · {heat.columnName} <b>{heat.columns[column]}</b>:{' '}
              {show(value)} {heat.unit}
            </li>
          ))}
        </ol>
      </details>
    </>
  ),
  table: () => heatTable(heat),
})

const Gram = ({ opened, name, version }: { opened: OpenRun; name: string; version: number }) => {
  const path = 'kernel/gram.safetensors'
  const order = useSignal<'type' | 'probe'>('type')
  const cosine = useSignal(true)
  const state = useMatrix(opened, path, 'gram', version)
  const id = 'gram'
  const title = cosine.value ? 'Cosines of gradients' : 'K: products of gradients'
  const says =
    '⟨∇log π(y_i), ∇log π(y_j)⟩ over probe responses. Positive (blue): an update that raises one raises the other; negative (red): it lowers it.' +
    (cosine.value ? ' Divided by both lengths, so that long responses do not hide short ones.' : '')
  const model = waiting(
    id,
    title,
    says,
    path,
    `ldyn kernel gram --model <checkpoint> --probe probes.jsonl --out runs/${name}`,
    state,
  )
  if (model || !state.found) return <PanelFrame model={model!} />
  const { matrices, values } = state.found
  const n = Math.round(Math.sqrt(values.length))
  const probes = gramProbes(matrices.about('probes'), n)
  if (!probes || n * n !== values.length) {
    return (
      <PanelFrame
        model={{
          id,
          kind: 'trouble',
          title,
          says,
          trouble: {
            what: `${path} does not say what its rows are`,
            why: 'its header names no probes, or another number than the matrix has',
            fix: 'Make it again with ldyn kernel gram',
          },
        }}
      />
    )
  }
  const types = [...new Set(probes.map(({ type }) => type))]
  const places = [...probes.keys()].sort((a, b) =>
    order.value === 'type'
      ? types.indexOf(probes[a].type) - types.indexOf(probes[b].type) || probes[a].row - probes[b].row
      : probes[a].row - probes[b].row || types.indexOf(probes[a].type) - types.indexOf(probes[b].type),
  )
  const names = places.map(i => `#${probes[i].row} ${probes[i].type}`)
  const heat: Heat = {
    rows: names,
    columns: names,
    rowName: 'i',
    columnName: 'j',
    signed: true,
    log: !cosine.value,
    unit: cosine.value ? '' : 'nats²',
    values: reorder(cosine.value ? cosines(values, n) : values, places),
  }
  return (
    <PanelFrame
      model={heatPanel(
        id,
        title,
        `${says} Model: ${String(matrices.about('model') ?? 'not said')}; parameters: ${String(matrices.about('params') ?? 'all')}.`,
        heat,
      )}
    >
      <div class="controls">
        <label>
          Order{' '}
          <select
            value={order.value}
            onChange={event => {
              order.value = event.currentTarget.value as 'type' | 'probe'
            }}
          >
            <option value="type">by type</option>
            <option value="probe">by probe</option>
          </select>
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={cosine.value}
            onChange={() => {
              cosine.value = !cosine.value
            }}
          />{' '}
          cosines
        </label>
      </div>
    </PanelFrame>
  )
}

interface Observed {
  readonly tokens: readonly string[]
  readonly name: string
}

/** Tokens of one side of C from the header: visible signs, with their place in front so that each is told apart. */
export const sideOf = (about: unknown, n: number): Observed => {
  const side = (Array.isArray(about) ? { tokens: about } : about) as
    | { row?: unknown; type?: unknown; tokens?: unknown }
    | null
    | undefined
  const tokens =
    Array.isArray(side?.tokens) && side.tokens.length === n
      ? (side.tokens as { text?: unknown; type?: unknown }[])
      : undefined
  return {
    tokens: Array.from({ length: n }, (_, i) => {
      const text = tokens?.[i]?.text
      const type = tokens?.[i]?.type
      return `${i} ${typeof text === 'string' ? tokenText(text) : ''}${type === 'rejected' ? ' y⁻' : ''}`.trim()
    }),
    name: [side?.row, side?.type]
      .flatMap(part => (typeof part === 'string' ? [lastPart(part)] : []))
      .join(', '),
  }
}

const Tokens = ({ opened, name, version }: { opened: OpenRun; name: string; version: number }) => {
  const path = 'kernel/tokens.safetensors'
  const state = useMatrix(opened, path, 'C', version)
  const id = 'tokens'
  const title = 'C = A·K·G, token by token'
  const says =
    'Row: an observed token m. Column: a token l that the update learns. The cell is how much learning l moves log π of m in one plain gradient step, to first order, in nats: blue raises it, red lowers it. A row adds up to the predicted change of its token.'
  const model = waiting(
    id,
    title,
    says,
    path,
    `ldyn kernel tokens --model <checkpoint> --update prefs.jsonl#0 --observe prefs.jsonl#1 --loss dpo --out runs/${name}`,
    state,
  )
  if (model || !state.found) return <PanelFrame model={model!} />
  const { matrices, values } = state.found
  const [m, l] = matrices.shapes.get('C') ?? [0, 0]
  const [observed, update] = [sideOf(matrices.about('observe'), m), sideOf(matrices.about('update'), l)]
  const heat: Heat = {
    rows: observed.tokens,
    columns: update.tokens,
    rowName: 'observed',
    columnName: 'learned',
    signed: true,
    log: true,
    unit: 'nats',
    values,
  }
  const facts = `Loss ${String(matrices.about('loss') ?? 'not said')}, learning rate ${String(matrices.about('lr') ?? 'not said')}.${observed.name ? ` Observed: ${observed.name}.` : ''}`
  return <PanelFrame model={heatPanel(id, title, `${says} ${facts}`, heat)} />
}

const View = ({ runs, opened }: ScreenProps) => (
  <>
    <Gram opened={opened[0]} name={opened[0].key} version={runs[0].version} />
    <Tokens opened={opened[0]} name={opened[0].key} version={runs[0].version} />
  </>
)

export const kernel: Screen = { page: 'kernel', title: 'Kernel', key: 'k', metrics: () => ['logp'], View }
