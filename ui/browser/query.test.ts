// Queries on the pages of traces and logs in Chromium: written with what is offered, the same as the filters, wrong ones with
// their place, and queries that no filter can say.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, problems, settled, Sightline, waitUntil } from './harness'
import { logsRequest, tracesRequest, type SpanSketch } from './otlp'

const SHOTS = process.env.SIGHTLINE_SCREENSHOTS ?? join(import.meta.dirname, '../../build/test-results/screenshots')
const MS = 1_000_000n
const SEARCHES = 24
const FAILED_EVERY = 6

let sightline: Sightline
let browser: Browser
let page: Page

const spanId = (index: number, place: number) => `${String(index + 1).padStart(12, '0')}${String(place).padStart(4, '0')}`

// A search asks a model, whose version is an attribute; of some the model fails.
function search(index: number, now: bigint): SpanSketch[] {
  const at = (ms: number) => now - BigInt(60_000 + index * 1000) * MS + BigInt(ms) * MS
  const status = index % FAILED_EVERY === 0 ? ({ code: 2, message: 'no features' } as const) : undefined
  return [
    { id: spanId(index, 1), name: 'GET /search', service: 'recommender', kind: 2, startNano: at(0), endNano: at(40), attributes: { 'http.route': '/search' } },
    { id: spanId(index, 2), parent: spanId(index, 1), name: 'model.predict', service: 'model', kind: 2, startNano: at(6), endNano: at(38), attributes: { 'model.version': index % 2 === 0 ? 'v1' : 'v2' }, ...(status && { status }) },
  ]
}

const box = () => page.getByRole('textbox', { name: 'Query in TraceQL' })
const offers = () => page.getByRole('listbox', { name: 'What can come here' })
const rows = () => page.getByRole('table', { name: 'Traces' }).locator('[data-row-focus]')

beforeAll(async () => {
  sightline = await Sightline.start()
  browser = await Browser.start()
  const now = BigInt(Date.now()) * MS
  for (let i = 0; i < SEARCHES; i++) await sightline.send('traces', tracesRequest(String(i + 1).padStart(32, '0'), search(i, now)))
  page = await browser.page()
  await waitUntil(async () => ((await sightline.ask<{ matched: number }>('/traces/scatter?limit=1'))?.matched ?? 0) >= 2 * SEARCHES, 'all spans')
  await mkdir(SHOTS, { recursive: true })
})

afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

describe('the query of the traces page', () => {
  it('is the filters as text', async () => {
    await page.goto(`${sightline.url}/traces?service=model&status=error`)
    await rows().first().waitFor()
    expect(await box().inputValue()).toBe('{ resource.service.name = "model" && status = error }')
    expect(await rows().count()).toBe(SEARCHES / FAILED_EVERY)
    // Written here, it is filters again.
    await box().fill('{ resource.service.name = "recommender" && duration >= 10ms }')
    await box().press('Enter')
    await page.waitForURL((url) => url.searchParams.get('service') === 'recommender' && url.searchParams.get('min_duration') === '10ms' && !url.searchParams.has('q'))
    await waitUntil(async () => (await rows().count()) >= 10, 'the list of the new query')
  })

  it('offers fields, operators and values that are stored', async () => {
    await page.goto(`${sightline.url}/traces`)
    await rows().first().waitFor()
    await page.keyboard.press('q')
    await page.keyboard.type('{ model')
    await offers().getByRole('option', { name: /^span\.model\.version/ }).waitFor()
    await page.screenshot({ path: join(SHOTS, 'traces-query-offers-light.png') })
    await page.keyboard.press('Tab')
    await waitUntil(async () => (await box().inputValue()).startsWith('{ span.model.version'), 'the field that was taken')
    await page.keyboard.type('= ')
    await offers().getByRole('option', { name: '"v2"' }).waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await offers().getByRole('option', { name: '"v2"' }).click()
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.searchParams.get('q')?.replace(/\s+/g, ' ') === '{ span.model.version = "v2" }')
    await waitUntil(async () => (await page.getByRole('status').allInnerTexts()).some((text) => text.startsWith(`${SEARCHES / 2} traces`)), 'its traces')
    // A condition that stands by itself can be taken away.
    await page.getByRole('button', { name: /^Remove span\.model\.version/ }).click()
    await page.waitForURL((url) => !url.searchParams.has('q'))
  })

  it('finds by the whole trace', async () => {
    await page.goto(`${sightline.url}/traces?q=${encodeURIComponent('{ resource.service.name = "recommender" } >> { status = error }')}`)
    await waitUntil(async () => (await rows().count()) === SEARCHES / FAILED_EVERY, 'the traces whose model failed')
    await page.getByText('more than filters can show').waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
  })

  it('says where a query is wrong and what was meant, and keeps it', async () => {
    await page.goto(`${sightline.url}/traces?q=${encodeURIComponent('{ status == error }')}`)
    await page.getByRole('alert').filter({ hasText: 'column 10' }).filter({ hasText: 'did you mean `=`?' }).waitFor()
    expect(await box().inputValue()).toBe('{ status == error }')
    expect(await page.locator('.wavy').filter({ hasText: '=' }).count()).toBeGreaterThan(0)
    await box().fill('{ status = error }')
    await box().press('Enter')
    await page.waitForURL((url) => url.searchParams.get('status') === 'error')
    await waitUntil(async () => (await rows().count()) === SEARCHES / FAILED_EVERY, 'the traces of the mended query')
  })

  for (const theme of ['light', 'dark'] as const) {
    it(`is shown, ${theme}`, async () => {
      await page.emulateMedia({ colorScheme: theme })
      for (const [name, width] of [['wide', 1440], ['narrow', 480]] as const) {
        await page.setViewportSize({ width, height: 900 })
        await page.goto(`${sightline.url}/traces?q=${encodeURIComponent('{ span.model.version = "v2" && duration > 1ms } | count() > 0')}`)
        await rows().first().waitFor()
        await settled(page)
        await page.screenshot({ path: join(SHOTS, `traces-query-${name}-${theme}.png`) })
      }
    })
  }

  it('narrows the logs beside their filters', async () => {
    await page.setViewportSize({ width: 1440, height: 900 })
    const now = BigInt(Date.now()) * MS
    await sightline.send(
      'logs',
      logsRequest('model', '1'.padStart(32, '0'), [
        { atNano: now - 3000n * MS, severity: 17, body: 'the features timed out', attributes: { 'retry.count': 3 } },
        { atNano: now - 2000n * MS, severity: 9, body: 'timed out, then fine', attributes: { 'retry.count': 1 } },
        { atNano: now - 1000n * MS, severity: 9, body: 'predicted' },
      ]),
    )
    await waitUntil(async () => ((await sightline.ask<{ logs: unknown[] }>('/logs'))?.logs.length ?? 0) === 3, 'all records')
    await page.goto(`${sightline.url}/logs`)
    await page.getByText('predicted').first().waitFor()
    await page.keyboard.press('q')
    await page.keyboard.type('{ retr')
    await offers().getByRole('option', { name: /^log\.retry\.count/ }).click()
    await page.keyboard.type('> 1')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.searchParams.has('q'))
    await waitUntil(async () => (await page.getByText('timed out, then fine').count()) === 0, 'the records of the query')
    await page.getByText('the features timed out').first().waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await page.screenshot({ path: join(SHOTS, 'logs-query-dark.png') })
    await page.goto(`${sightline.url}/logs?q=${encodeURIComponent('{ severity >= loud }')}`)
    await page.getByRole('alert').filter({ hasText: 'column' }).waitFor()
  })

  it('had no problem', () => {
    // The refused query is logged by the browser itself.
    expect(problems(page).filter((text) => !text.includes('400'))).toEqual([])
  })
})
