/** @ldyn/tensor/indexing: for backends that generate code, which elements every op reads, as index expressions. */
export * from './address.ts'
export * from './reads.ts'
