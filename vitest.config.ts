import { defineConfig } from 'vitest/config'

// Packages resolve to their sources, so that tests need no build.
export default defineConfig({
  resolve: { conditions: ['@ldyn/source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@ldyn/source', 'node', 'import', 'default'] } },
  test: {
    include: ['packages/*/{src,test}/**/*.test.ts', 'apps/*/{src,test}/**/*.test.ts', 'tests/**/*.test.ts'],
    testTimeout: 60_000,
    maxWorkers: 2,
  },
})
