import tseslint from 'typescript-eslint'

// The house style, as far as a linter can see it without type information (so that it stays fast): no
// semicolons, single quotes, lines not far over 110 characters, relative imports that end in `.ts`, no default
// exports, no `any`, and the arrows between packages.
const backends = {
  regex: '^@ldyn/backend-',
  message: 'core, models and lab take a Backend; they never import one.',
}
const extension = {
  regex: '^\\.{1,2}/.*(?<!\\.tsx?|\\.json|\\.css)$',
  message: 'Relative imports end in .ts; the build rewrites them.',
}
const node = {
  regex: '^node:',
  message: 'This runs in browsers too: Node-only code lives behind the /node export.',
}
const imports = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] })

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/.cache/**', '**/.turbo/**'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-len': ['error', {
        code: 120, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true,
        ignoreRegExpLiterals: true,
      }],
      quotes: ['error', 'single', { avoidEscape: true, allowTemplateLiterals: true }],
      semi: ['error', 'never', { beforeStatementContinuationChars: 'always' }],
    },
  },
  {
    files: ['**/*.ts'],
    ignores: ['**/*.config.ts'],
    rules: {
      'no-restricted-exports': ['error', {
        restrictDefaultExports: { direct: true, named: true, defaultFrom: true },
      }],
      ...imports(extension),
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['packages/{core,models,lab}/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: imports(extension, backends),
  },
  {
    files: ['packages/{tensor,core,formats,models,runs}/src/**/*.ts'],
    ignores: ['**/*.test.ts', 'packages/*/src/node/**'],
    rules: imports(extension, backends, node),
  },
  {
    files: ['packages/figures/src/**/*.ts', 'apps/web/src/**/*.{ts,tsx}'],
    ignores: ['**/*.test.ts', 'apps/web/src/server/**'],
    rules: imports(extension, node),
  },
)
