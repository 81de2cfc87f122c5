// C = A·K·G for one update and one observed response, as a block that `ldyn kernel tokens` left beside the run: the
// four matrices, the cell that is picked in numbers, and the definitions one hover or focus away.
import { show } from '@ldyn/figures'
import { useState } from 'preact/hooks'
import { commandText, tokensCommand, type Command } from '../../panels/making.ts'
import type { PanelModel } from '../../panels/panel.ts'
import {
  blockFiles,
  blockHeat,
  blockInFocus,
  blockName,
  byResponse,
  cellFacts,
  DEFINITIONS,
  readBlock,
  type TokenBlock,
} from '../../panels/token-block.ts'
import type { LiveData } from '../../data/live-run.ts'
import type { OpenRun } from '../../data/run-store.ts'
import { Choice } from '../../shell/choice.tsx'
import { useApp, type App } from '../../shell/context.ts'
import { HeatFigure } from '../../shell/heat/figure.tsx'
import { heatFiles } from '../../shell/heat/window.ts'
import { PanelFrame } from '../../shell/panel/frame.tsx'
import { StrongestCells } from '../../shell/heat/strongest-cells.tsx'
import { MATRICES, type MatrixName } from '../../state/address.ts'
import { TokenText } from '../token-text.tsx'
import { useBeside, usePaths } from '../beside.ts'

const WINDOW = 'token-block'
const SAYS =
  'Row: an observed token m. Column: a token l that the update learns. Each cell is what learning l does to m in one plain gradient step, to first order; the optimizer’s rescaling, momentum and decay are not in it.'

/** The matrix switch; each name has its definition one hover or focus away. */
const Switch = ({
  app,
  matrix,
  has,
}: {
  app: App
  matrix: MatrixName
  has: (name: MatrixName) => boolean
}) => {
  const [told, tell] = useState<MatrixName | undefined>(undefined)
  const shown = DEFINITIONS[told ?? matrix]
  return (
    <div class="matrix-switch">
      <div class="bar" role="group" aria-label="Matrix">
        {MATRICES.map(name => (
          <button
            key={name}
            type="button"
            class="small"
            aria-pressed={matrix === name}
            aria-describedby="matrix-definition"
            disabled={!has(name)}
            onPointerEnter={() => tell(name)}
            onPointerLeave={() => tell(undefined)}
            onFocus={() => tell(name)}
            onBlur={() => tell(undefined)}
            onClick={() => app.store.set({ matrix: name })}
          >
            {DEFINITIONS[name].name}
          </button>
        ))}
      </div>
      <p class="definition" id="matrix-definition">
        <code>{shown.formula}</code> <span class="muted">{shown.says}</span>
      </p>
    </div>
  )
}

const Cell = ({ block, m, l }: { block: TokenBlock; m: number; l: number }) => {
  const app = useApp()
  const facts = cellFacts(block, m, l)
  const [observed, learned] = [block.observe.tokens[m], block.update.tokens[l]]
  const copy = (): void => {
    const text = JSON.stringify({ block: block.path, m, l, observed, learned, facts })
    if (navigator.clipboard) void navigator.clipboard.writeText(text).then(() => app.toast('Cell copied'))
    else app.toast(text)
  }
  return (
    <section class="cell-panel" aria-label="The cell that is picked">
      <h3>
        m = {m} <code>{observed.text === undefined ? '' : JSON.stringify(observed.text)}</code> × l = {l}{' '}
        <code>{learned.text === undefined ? '' : JSON.stringify(learned.text)}</code>
      </h3>
      <dl>
        {facts.map(({ name, value, says }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <b>{value}</b> {says !== undefined && <span class="muted">{says}</span>}
            </dd>
          </div>
        ))}
      </dl>
      <div class="bar">
        <a href={app.store.link({ page: 'squeeze', position: m, type: block.observe.type || undefined })}>
          open in Squeeze
        </a>
        <button type="button" class="small" onClick={copy}>
          copy as JSON
        </button>
      </div>
    </section>
  )
}

const Body = ({ block, matrix }: { block: TokenBlock; matrix: MatrixName }) => {
  const app = useApp()
  const heat = blockHeat(block, matrix) ?? blockHeat(block, 'C')!
  const { cell } = app.store.view.value
  const pick = (row: number, column: number): void => {
    // A has one column and G one row: the other place stays as it was.
    const before = app.store.view.peek().cell
    app.store.set({
      cell: [matrix === 'G' ? (before?.[0] ?? 0) : row, matrix === 'A' ? (before?.[1] ?? 0) : column],
    })
  }
  const [M, L] = [block.observe.tokens.length, block.update.tokens.length]
  const at = cell && cell[0] < M && cell[1] < L ? cell : undefined
  const drawn = at && ([matrix === 'G' ? 0 : at[0], matrix === 'A' ? 0 : at[1]] as const)
  const rows = new Float64Array(M)
  block.C.forEach((value, i) => (rows[Math.floor(i / L)] += value))
  return (
    <>
      <Switch app={app} matrix={matrix} has={name => block[name] !== undefined} />
      <div class="block-columns">
        <div>
          <HeatFigure
            heat={heat}
            label={DEFINITIONS[matrix].name}
            id={`${WINDOW} ${block.path} ${matrix}`}
            picked={drawn}
            onPick={pick}
            tallest={560}
          />
          <StrongestCells heat={heat} id={`${WINDOW} ${block.path} ${matrix}`} onPick={pick} />
        </div>
        {at ? (
          <Cell block={block} m={at[0]} l={at[1]} />
        ) : (
          <p class="cell-panel muted">
            Click a cell, or press Enter on it: C, K, G and A in numbers, its rank, and p before and after.
          </p>
        )}
      </div>
      <h3>The observed response, by what the whole update does to each token</h3>
      <TokenText
        tokens={block.observe.tokens.map(({ text, id, logp }, m) => ({
          text: text ?? '',
          id,
          value: rows[m],
          ...(logp !== undefined && { more: { 'log π before': logp } }),
        }))}
        unit="nats"
        picked={at?.[0]}
        onPick={m => app.store.set({ cell: [m, app.store.view.peek().cell?.[1] ?? 0] })}
      />
    </>
  )
}

/** The block of what learning a row would do to the response in focus. */
const commandFor = (run: LiveData, probe: number, type: string, row: number | undefined): Command => {
  // A group is the number of its row in the probe file, unless the file names its groups.
  const group = run.probes?.rows[probe]?.group ?? String(probe)
  return tokensCommand(run, { update: row ?? 0, observe: /^\d+$/.test(group) ? Number(group) : undefined, type })
}

/** The panel, its list of blocks and what it says where there is none. */
export const TokenBlockPanel = ({
  run,
  opened,
  probe,
  type,
  step,
  row,
}: {
  run: LiveData
  opened: OpenRun
  probe: number
  type: string
  step: number | undefined
  /** A data row that the update in focus learned. */
  row: number | undefined
}) => {
  const app = useApp()
  const { block: named, matrix } = app.store.view.value
  const files = blockFiles(usePaths(opened, run.version))
  const group = run.probes?.rows[probe]?.group ?? String(probe)
  const file = blockInFocus(files, { path: named, probe: group, type, step })
  const state = useBeside(opened, file?.path, run.version, readBlock)
  const [id, title] = ['tokens', 'C = A·K·G, token by token']
  const command = commandFor(run, probe, type, row)
  const model = ((): PanelModel => {
    if (!file)
      return {
        id,
        kind: 'missing',
        title,
        says: SAYS,
        missing: { what: 'No token block lies beside this run.', command },
      }
    if (state.trouble)
      return { id, kind: 'trouble', title, says: SAYS, trouble: state.trouble, retry: state.retry }
    const block = state.found
    if (!block) return { id, kind: 'loading', title, says: SAYS, part: file.path }
    const heat = blockHeat(block, matrix) ?? blockHeat(block, 'C')!
    const parts = [...byResponse(block)].map(([name, value]) => `${name} ${show(value)}`)
    return {
      id,
      kind: 'drawn',
      title,
      says: `${SAYS} Loss ${block.loss}, learning rate ${block.lr === undefined ? 'not said' : show(block.lr)}. Σ over the response: ${parts.join(', ')} nats.`,
      notes:
        file.observed !== undefined && (file.observed !== group || file.type !== type)
          ? [`This is the block of probe #${file.observed} ${file.type}; for #${group} ${type}: ${commandText(command, app.runs.list.value?.root ?? 'runs')}`]
          : [],
      draw: () => <Body block={block} matrix={block[matrix] ? matrix : 'C'} />,
      ...heatFiles(
        `${WINDOW} ${block.path} ${matrix}`,
        heat,
        `${DEFINITIONS[matrix].name}: ${blockName(file)}`,
      ),
    }
  })()
  return (
    <PanelFrame model={model}>
      {files.length > 1 && (
        <Choice
          label="Block"
          value={file?.path}
          options={files.map(one => [one.path, blockName(one)])}
          choose={block => app.store.set({ block, cell: undefined })}
        />
      )}
    </PanelFrame>
  )
}
