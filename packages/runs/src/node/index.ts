// @ldyn/runs/node: run directories on disk, written and listed.
export { directoryFiles } from './files.ts'
export { lockHolder } from './lock.ts'
export type { LockOwner } from './lock.ts'
export { listRuns } from './list.ts'
export type { ListedRun } from './list.ts'
export { createRun, resumeRun } from './writer.ts'
export type { NewRun, ProbeValues, RunWriter, WriterOptions } from './writer.ts'
export type { DiskWrite } from './disk.ts'
