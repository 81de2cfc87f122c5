// What stands in a panel: its figure, or why there is none yet, or none at all.
import type { PanelModel } from '../../panels/panel.ts'
import { CommandLine } from '../command-line.tsx'
import { CurveFigure } from './curve-figure.tsx'
import { Loading } from './loading.tsx'

export const PanelBody = ({
  model,
  height,
  ids,
}: {
  model: PanelModel
  height: number
  ids: { title: string; says: string }
}) => {
  switch (model.kind) {
    case 'missing':
      return (
        <div class="nothing">
          <p>{model.missing.what}</p>
          {model.missing.command !== undefined && <CommandLine command={model.missing.command} />}
          {model.missing.also && (
            <>
              <p>{model.missing.also.what}</p>
              <CommandLine command={model.missing.also.command} />
            </>
          )}
        </div>
      )
    case 'loading':
      return <Loading part={model.part} />
    case 'trouble':
      return (
        <div class="nothing trouble" role="alert">
          <p>
            <strong>{model.trouble.what}</strong>
          </p>
          {model.trouble.where !== undefined && <p class="muted">{model.trouble.where}</p>}
          {model.trouble.why !== undefined && <p>{model.trouble.why}</p>}
          {model.trouble.fix !== undefined && <p>{model.trouble.fix}</p>}
          {model.retry && (
            <button type="button" onClick={model.retry}>
              Try again
            </button>
          )}
        </div>
      )
    case 'drawn':
      return <div class="drawn">{model.draw()}</div>
    case 'curves':
      return model.panel.lines.length === 0 ? (
        <div class="nothing">
          <p>All curves are hidden. The legend brings them back.</p>
        </div>
      ) : (
        <CurveFigure panel={model.panel} height={height} labelledBy={ids.title} describedBy={ids.says} />
      )
  }
}
