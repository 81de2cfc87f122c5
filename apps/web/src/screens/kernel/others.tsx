// Further kernels that lie beside a run: norms between probes, and the V×V block of one pair of tokens; and the
// commands that make what is not there.
import { show } from '@ldyn/figures'
import type { LiveData } from '../../data/live-run.ts'
import { tokenText, type Matrices } from '../../data/matrices.ts'
import type { OpenRun } from '../../data/run-store.ts'
import { gramProbes } from '../../panels/gram/gram.ts'
import type { Heat } from '../../panels/heat.ts'
import { blockCommand, normCommand, screenCommand, type Command } from '../../panels/making.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { CommandLine } from '../../shell/command-line.tsx'
import { heatPanel } from '../../shell/heat/panel.tsx'
import { PanelFrame } from '../../shell/panel/frame.tsx'
import { useBeside } from '../beside.ts'

interface Found {
  readonly heat: Heat
  readonly says: string
}

const readNorms = async (matrices: Matrices): Promise<Found> => {
  const n = matrices.shapes.get('norms')?.[0] ?? 0
  const probes = gramProbes(matrices.about('probes'), n)
  if (!probes) throw new Error('the header of the norms names no probes, or another number than there are')
  const names = probes.map(({ row, type }) => `#${row} ${type}`)
  return {
    heat: {
      rows: names,
      columns: names,
      rowName: 'update',
      columnName: 'observed',
      signed: false,
      unit: '',
      values: await matrices.read('norms'),
    },
    says: `‖K_ou‖_F between all logits of both responses, by ${String(matrices.about('draws') ?? 'some')} random vectors: how strongly they are tied, without a sign. Bright: strong.`,
  }
}

interface Side {
  readonly text?: string
  readonly type?: string
  readonly shown?: readonly { readonly text?: string; readonly p?: number }[]
}

const readEntries = async (matrices: Matrices): Promise<Found> => {
  const [rows, columns] = matrices.shapes.get('entries') ?? [0, 0]
  const [observe, update] = ['observe', 'update'].map(name => (matrices.about(name) ?? {}) as Side)
  const names = ({ shown = [] }: Side, n: number): string[] =>
    Array.from({ length: n }, (_, i) => {
      const one = shown[i]
      return `${tokenText(one?.text ?? String(i))}${one?.p === undefined ? '' : ` ${show(one.p)}`}`
    })
  const spectrum = matrices.shapes.has('spectrum') ? await matrices.read('spectrum') : new Float32Array(0)
  const alpha = matrices.about('alpha')
  const of = (side: Side): string => `“${tokenText(side.text ?? '')}” of ${side.type ?? 'a response'}`
  return {
    heat: {
      rows: names(observe, rows),
      columns: names(update, columns),
      rowName: 'observed logit',
      columnName: 'update logit',
      signed: true,
      log: true,
      unit: '',
      values: await matrices.read('entries'),
    },
    says: `K[v,w] between the logits at observed ${of(observe)} and update ${of(update)}: how a push on logit w moves logit v. Shown are the likeliest entries of each side, with their probability. K is ${typeof alpha === 'number' ? `${show(alpha)} times ` : 'a multiple of '}the identity and a part whose largest values are ${[...spectrum.slice(0, 4)].map(show).join(', ') || 'not on file'}.`,
  }
}

const newest = (paths: readonly string[], kind: string): string | undefined =>
  paths.filter(path => new RegExp(`^kernel/${kind}(-\\d+)?\\.safetensors$`).test(path)).at(-1)

const Shown = ({
  run,
  opened,
  path,
  id,
  title,
  read,
}: {
  run: LiveData
  opened: OpenRun
  path: string
  id: string
  title: string
  read: (matrices: Matrices) => Promise<Found>
}) => {
  const { found, trouble, retry } = useBeside(opened, path, run.version, read)
  const about = { id, title, says: path }
  const model: PanelModel = trouble
    ? { ...about, kind: 'trouble', trouble, retry }
    : found
      ? heatPanel({ id, title, says: found.says }, found.heat, { window: `${id} ${path}`, strongest: 10 })
      : { ...about, kind: 'loading', part: path }
  return <PanelFrame model={model} />
}

export const OtherKernels = ({
  run,
  opened,
  paths,
  alone,
}: {
  run: LiveData
  opened: OpenRun
  paths: readonly string[]
  /** No kernel over responses stands above: what else there could be is in open sight. */
  alone: boolean
}) => {
  const [norms, block] = [newest(paths, 'norm'), newest(paths, 'block')]
  const commands: readonly (readonly [string, Command])[] = [
    ...(norms === undefined ? [['How strongly two responses are tied, over all logits: ‖K‖_F', normCommand(run)] as const] : []),
    ...(block === undefined ? [['How a push on one token moves each other one: the V×V block of two tokens', blockCommand(run)] as const] : []),
    ['Which pairs will push their own y⁺ down, and which did: CHES', screenCommand(run)],
  ]
  return (
    <>
      <div class="grid two">
        {norms !== undefined && (
          <Shown
            run={run}
            opened={opened}
            path={norms}
            id="norms"
            title="‖K‖ between responses"
            read={readNorms}
          />
        )}
        {block !== undefined && (
          <Shown
            run={run}
            opened={opened}
            path={block}
            id="block"
            title="K between two tokens"
            read={readEntries}
          />
        )}
      </div>
      <details class="panel" open={alone}>
        <summary>Other kernels of this run</summary>
        {commands.map(([what, command]) => (
          <div key={what}>
            <p class="muted">{what}</p>
            <CommandLine command={command} />
          </div>
        ))}
      </details>
    </>
  )
}
