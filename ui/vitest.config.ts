// unit: what computes, without a browser. browser: the built screens in Chromium against the real program. bench: how fast
// they are.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [svelte()],
        test: { name: 'unit', include: ['src/**/*.test.ts'], environment: 'node' },
      },
      {
        test: {
          name: 'browser',
          include: ['browser/**/*.test.ts'],
          environment: 'node',
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: { name: 'bench', include: ['browser/**/*.bench.ts'], environment: 'node', fileParallelism: false, hookTimeout: 120_000 },
      },
    ],
  },
})
