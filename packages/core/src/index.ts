export * from './model.ts'
export * from './batch.ts'
