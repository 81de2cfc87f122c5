// The page: one script, one style sheet, no request beyond its own server. Preact's JSX needs no plugin.
import { defineConfig } from 'vite'

export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  resolve: { conditions: ['@ldyn/source', 'module', 'browser', 'import', 'default'] },
  // A classic script: a module worker does not start from file:// (ux.md §5.10).
  worker: { format: 'iife' },
  server: { proxy: { '/api': { target: 'http://127.0.0.1:6071', changeOrigin: true, headers: { origin: 'http://127.0.0.1:6071' } } } },
  build: { outDir: 'dist/app', emptyOutDir: true, target: 'es2023', modulePreload: false, reportCompressedSize: false },
})
