// @ldyn/web/server: what `ldyn view` runs. Node only.
export { frameOrigin } from './guard.ts'
export { builtApp, builtPart, builtTemplate, serve } from './listen.ts'
export type { ServeOptions, Serving } from './listen.ts'
export { createSummaries } from './summary.ts'
export { createViewer } from './viewer.ts'
export type { Viewer, ViewerOptions } from './viewer.ts'
export type { RunList, RunState, RunSummary, Spark } from '../wire.ts'
