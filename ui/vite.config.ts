// Build and development server. SIGHTLINE_UI_OUT names another folder than dist for the build, SIGHTLINE_URL the running
// program whose API `npm run dev` and `vite preview` pass on to.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

const program = process.env.SIGHTLINE_URL ?? 'http://127.0.0.1:8080'
const proxy = { '/api': { target: program, changeOrigin: true } }

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: process.env.SIGHTLINE_UI_OUT ?? 'dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // the Content-Security-Policy allows no data: fonts
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy },
  preview: { proxy },
})
