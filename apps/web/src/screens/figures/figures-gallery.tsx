// The gallery: every figure of the paper with its caption, its files, what is not as in the paper, and what it lacks.
// Pictures are for paper: they are black on white in either theme.
import { shellWord, slug } from '@ldyn/figures'
import { paperCsv, type Lack, type PaperFigure } from '@ldyn/figures/paper'
import type { PanelModel } from '../../panels/panel.ts'
import { CommandLine } from '../../shell/command-line.tsx'
import type { App, ScreenProps } from '../../shell/context.ts'
import { PanelFrame } from '../../shell/panel/frame.tsx'
import { saveFile, savePng } from '../../shell/panel/save.ts'
import { useSliced } from '../../shell/sliced.ts'
import { snapshotShown } from '../../shell/snapshot-shown.ts'
import { bannerText, fileTag } from '../../snapshot/words.ts'
import {
  countText,
  drawFigures,
  figuresKey,
  idOf,
  sheetOf,
  tableOf,
  withOrigin,
  type DrawnFigure,
} from './models.ts'
import '../../styles/figures.css'

/** Dots an inch of a picture for print: 4 × 96. */
const SCALE = 4

type Sheet = 'one' | 'two'

const pictureOf = ({ figure, svg: sheets }: DrawnFigure, sheet: Sheet): PanelModel => {
  const svg = sheets?.[sheet]
  const base = { id: idOf(figure), title: `${figure.name}. ${figure.title}` }
  if (svg === undefined) {
    const [lack] = figure.lacks
    return {
      ...base,
      kind: 'missing',
      says: 'Not drawn: the runs at hand do not hold what it shows.',
      missing: { what: lack?.what ?? 'There is nothing to draw.', command: lack?.command },
    }
  }
  return {
    ...base,
    kind: 'drawn',
    says: figure.caption,
    draw: () => (
      <img
        class={`paper-figure ${sheet}`}
        src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`}
        alt={`${figure.name}: ${figure.title}. The caption says what it shows; the table has its numbers.`}
      />
    ),
    table: () => tableOf(figure),
    svg: () => svg,
  }
}

const Files = ({ app, figure, svg }: { app: App; figure: PaperFigure; svg: string }) => {
  const snapshot = snapshotShown(app)
  const origin = snapshot && bannerText(snapshot)
  const name = (ending: string): string =>
    `${slug(app.store.view.peek().runs.join('-'))}-${figure.file}${snapshot ? fileTag(snapshot) : ''}.${ending}`
  const picture = withOrigin(svg, origin)
  return (
    <div class="paper-files" role="group" aria-label={`Files of ${figure.name}, ${figure.title}`}>
      <button type="button" onClick={() => saveFile(name('svg'), 'image/svg+xml', picture)}>
        SVG
      </button>
      <button type="button" onClick={() => void savePng(name('png'), picture, SCALE)}>
        PNG
      </button>
      <button type="button" onClick={() => saveFile(name('csv'), 'text/csv', paperCsv(figure))}>
        CSV
      </button>
    </div>
  )
}

const Lacks = ({ lacks }: { lacks: readonly Lack[] }) => (
  <ul>
    {lacks.map(({ what, command }) => (
      <li key={what}>
        {what}
        {command !== undefined && <CommandLine command={command} />}
      </li>
    ))}
  </ul>
)

const Notes = ({ figure, svg }: DrawnFigure) => {
  // A figure that is not drawn says its first lack in its place.
  const lacks = svg === undefined ? figure.lacks.slice(1) : figure.lacks
  const cautions = figure.differs.filter(text => text.startsWith('CAUTION'))
  const differs = figure.differs.filter(text => !cautions.includes(text))
  return (
    <>
      {cautions.map(text => (
        <p class="note caution" key={text}>
          {text}
        </p>
      ))}
      {differs.length > 0 && (
        <details class="paper-notes">
          <summary>Where it differs from the paper ({differs.length})</summary>
          <ul>
            {differs.map(text => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </details>
      )}
      {lacks.length > 0 && (
        <details class="paper-notes">
          <summary>What it could not show ({lacks.length})</summary>
          <Lacks lacks={lacks} />
        </details>
      )}
    </>
  )
}

const Choice = <T extends string>({
  says,
  value,
  of,
  choose,
}: {
  says: string
  value: T
  of: Readonly<Record<T, string>>
  choose: (value: T) => void
}) => (
  <div class="paper-choice" role="group" aria-label={says}>
    {(Object.entries(of) as [T, string][]).map(([one, text]) => (
      <button type="button" key={one} aria-pressed={value === one} onClick={() => choose(one)}>
        {text}
      </button>
    ))}
  </div>
)

export const FiguresGallery = ({ app, runs, opened }: ScreenProps) => {
  const { per } = app.store.view.value
  const drawn = useSliced([figuresKey(runs), per], () => drawFigures(runs, per))
  if (!drawn) {
    return (
      <PanelFrame
        model={{
          id: 'figures',
          kind: 'loading',
          title: 'Figures',
          says: 'The figures of the paper.',
          part: 'the runs',
        }}
      />
    )
  }
  const sheet = sheetOf(app.store.view.value.sheet, innerWidth)
  const command = `ldyn plot ${opened.map(({ key }) => shellWord(key)).join(' ')} --figure all --out figures --png${sheet === 'one' ? ' --mm 85' : ''}${per === 'token' ? ' --per-token' : ''}`
  return (
    <>
      <section class="panel paper-about" aria-labelledby="figures-about">
        <h2 id="figures-about">Figures of the paper</h2>
        <p>
          Figures 1, 3, 4, 5, 8, 9 and App. E of <cite>Learning Dynamics of LLM Finetuning</cite> (Ren and
          Sutherland, ICLR 2025), of {runs.length === 1 ? 'this run' : 'these runs'}, for print: sizes in
          millimetres, text of 8 pt. {countText(drawn, runs.length)}
        </p>
        <div class="paper-choices">
          <Choice
            says="Width of the figures"
            value={sheet}
            of={{ two: 'Two columns, 174 mm', one: 'One column, 85 mm' }}
            choose={chosen => app.store.set({ sheet: chosen })}
          />
          <Choice
            says="Sums or means per token"
            value={per}
            of={{ response: 'Sums over tokens, as the paper', token: 'Per token' }}
            choose={chosen => app.store.set({ per: chosen })}
          />
        </div>
        <CommandLine command={command} />
      </section>
      {/* What can be drawn comes first; each part keeps the paper's order. */}
      {[...drawn.filter(({ svg }) => svg), ...drawn.filter(({ svg }) => !svg)].map(one => (
        <PanelFrame key={one.figure.file} model={pictureOf(one, sheet)}>
          {one.svg && <Files app={app} figure={one.figure} svg={one.svg[sheet]} />}
          <Notes {...one} />
        </PanelFrame>
      ))}
    </>
  )
}
