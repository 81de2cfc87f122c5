/** @ldyn/lab: data, probe sets, packing, training and observing, over any backend. */
export * from './rows/row.ts'
export * from './rows/normalise.ts'
export * from './rows/read.ts'
export * from './tokens/tokenise.ts'
export * from './packing/pack.ts'
export * from './packing/buckets.ts'
export * from './packing/plan.ts'
export * from './observing/evaluator.ts'
export { Watcher, type WatchOptions } from './observing/watcher.ts'
export * from './training/stage.ts'
export * from './training/losses.ts'
export { labelledExamples, unpaired } from './training/labelled.ts'
export * from './training/order.ts'
export * from './training/device-params.ts'
export * from './training/update.ts'
export * from './training/stage-runner.ts'
export * from './sampling/sample.ts'
export * from './probes/make.ts'
export * from './probes/check.ts'
export * from './training/checkpoint.ts'
export * from './training/keeping.ts'
export { keepingInMemory, type KeepingInMemory } from './training/keeping-in-memory.ts'
export * from './training/job.ts'
export * from './training/train.ts'
export * from './training/estimate.ts'
export * from './verifying/measure.ts'
export * from './verifying/compare.ts'
export * from './verifying/first-op.ts'
export { holding, packedSide, tokenSide, valuesOf, type PackedSide, type Progress } from './kernels/side.ts'
export * from './kernels/tokens.ts'
export * from './kernels/gram.ts'
export * from './kernels/norms.ts'
export * from './kernels/block.ts'
export * from './kernels/proxies.ts'
export * from './kernels/screening.ts'
export * from './explaining/probe-set.ts'
export * from './explaining/step.ts'
export * from './explaining/checkpoints.ts'
export { Decomposer, type DecomposeOptions } from './explaining/decompose.ts'
export { thresholds } from './diagnosing/thresholds.ts'
export { caseOf, type Case, type CaseStage } from './diagnosing/case.ts'
export type { Evidence } from './diagnosing/evidence.ts'
export { VERDICTS, type Finding as DiagnosisFinding, type Verdict } from './diagnosing/finding.ts'
export type { Carrier, Carriers, Correlation, Scores } from './diagnosing/carriers.ts'
export { piSquaredOf, type Push, type Pushes, type Threshold } from './diagnosing/closed-form.ts'
export {
  diagnose,
  type Diagnosis,
  type DiagnoseOptions,
  type StageDiagnosis,
} from './diagnosing/diagnose.ts'
export * from './simulating/record.ts'
export * from './simulating/squeeze.ts'
export * from './simulating/world.ts'
export { TOY_KINDS, type ToyKind } from './simulating/toy-model.ts'
export * from './simulating/finetune.ts'
export * from './simulating/digits.ts'
export * from './simulating/digits-study.ts'
export {
  predictWhatIfs,
  whatIfsOf,
  type Contribution,
  type Effect,
  type PredictedEffect,
  type WhatIf,
  type WhatIfs,
} from './diagnosing/what-ifs.ts'
