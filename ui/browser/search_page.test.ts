// The recommender's search page: what a person does on it becomes searches and feedback. The real programs of demo/.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium, type Browser, type Page, type Request } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from './harness'

const BIN_DIR = resolve(process.env.SIGHTLINE_BIN_DIR ?? join(import.meta.dirname, '../../build/bin'))
const SCREENSHOTS = resolve(import.meta.dirname, '../../build/test-results/screenshots')
const CALM = { model_failure_rate: 0, slow_search_rate: 0, external_api_timeout_rate: 0, external_api_failure_rate: 0 }

const programs: ChildProcess[] = []
let browser: Browser
let url: string

async function start(name: string, ...args: string[]): Promise<string> {
  const child = spawn(join(BIN_DIR, name), ['--port', '0', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  programs.push(child)
  for await (const line of createInterface({ input: child.stdout })) {
    return `http://${(JSON.parse(line) as { address: string }).address}`
  }
  throw new Error(`${name} ended before it was ready`)
}

beforeAll(async () => {
  const wikipedia = await start('wikipedia-stand-in')
  url = await start('recommender', '--wikipedia', `${wikipedia}/api/rest_v1`)
  await fetch(`${url}/chaos/config`, { method: 'POST', body: JSON.stringify(CALM) })
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  await mkdir(SCREENSHOTS, { recursive: true })
})

afterAll(async () => {
  await browser?.close()
  for (const program of programs) program.kill()
})

/** What the page says of results, in order; with the status of the answer. */
function watchFeedback(page: Page): { kind: string; seconds?: number; status?: number }[] {
  const seen: { kind: string; seconds?: number; status?: number }[] = []
  page.on('request', (request: Request) => {
    if (!request.url().endsWith('/feedback')) return
    const feedback = request.postDataJSON() as { kind: string; seconds?: number; status?: number }
    seen.push(feedback)
    void request.response().then((response) => (feedback.status = response?.status()))
  })
  return seen
}

async function search(page: Page, words: string): Promise<void> {
  await page.goto(url)
  await page.getByLabel('What to search for').fill(words)
  await page.getByRole('button', { name: 'Search', exact: true }).click()
  await page.locator('article').first().waitFor()
}

test('searching, clicking and voting make feedback that is taken', async () => {
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  const feedback = watchFeedback(page)
  await search(page, 'sourdough bread')
  expect(await page.locator('#status').textContent()).toMatch(/^10 results in \d+ ms, model v[12], Wikipedia: Sourdough bread/)

  const first = page.locator('article').nth(0)
  const second = page.locator('article').nth(1)
  await first.locator('h2 button').click()
  expect(await first.locator('p').isVisible()).toBe(true)
  await second.locator('h2 button').click()
  expect(await first.locator('p').isVisible()).toBe(false)
  const good = second.getByRole('button', { name: /^Good/ })
  const bad = second.getByRole('button', { name: /^Bad/ })
  await good.click()
  await good.click() // counts once
  await bad.click()
  expect(await bad.getAttribute('aria-pressed')).toBe('true')
  expect(await good.getAttribute('aria-pressed')).toBe('false')
  await second.getByRole('button', { name: /^Dismiss/ }).click()
  expect(await page.locator('article').count()).toBe(9)

  const kinds = ['click', 'dwell', 'click', 'thumbs_up', 'thumbs_down', 'dismiss', 'dwell']
  await waitUntil(() => feedback.length === kinds.length && feedback.every(({ status }) => status === 202), 'all feedback')
  expect(feedback.map(({ kind }) => kind)).toEqual(kinds)
  expect(errors).toEqual([])
  await page.close()
})

test('a search that is refused says why', async () => {
  const page = await browser.newPage()
  await page.goto(url)
  await page.route('**/search?*', (route) => route.continue({ url: route.request().url().replace(/q=[^&]*/, 'q=') }))
  await page.getByLabel('What to search for').fill('x')
  await page.keyboard.press('Enter')
  await waitUntil(async () => /^The search failed: ./.test((await page.locator('#status').textContent()) ?? ''), 'the reason')
  await page.close()
})

test('it fits wide and narrow windows, by day and by night', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [320, 1280]) {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } })
      await search(page, 'neural networks')
      await page.locator('article h2 button').first().click()
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      expect(overflow, `${colorScheme} ${width}`).toBeLessThanOrEqual(0)
      await page.screenshot({ path: join(SCREENSHOTS, `search-page-${colorScheme}-${width}.png`) })
      await page.close()
    }
  }
})
