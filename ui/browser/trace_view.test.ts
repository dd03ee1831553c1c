// One trace in Chromium: folded siblings, the filter to a service, a span against its history, links from elsewhere, the
// trace as one wide event. On traces of a small shop that asks a model over and over.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, problems, Sightline } from './harness'
import { logsRequest, tracesRequest, type SpanSketch } from './otlp'

const MS = 1_000_000n
const TRACE = '0af7651916cd43dd8448eb211c805100'
const LINKING = '0af7651916cd43dd8448eb211c805200'
const PREDICTS = 40
const HISTORY = 60

let sightline: Sightline
let browser: Browser
const now = BigInt(Date.now()) * MS

// Forty calls of a model, two of which fail, and a clock of the model's host that is 12 ms behind.
function shopTrace(start: bigint): SpanSketch[] {
  const at = (ms: number) => start + BigInt(Math.round(ms * 1000)) * 1000n
  const predicts = Array.from({ length: PREDICTS }, (_, i): SpanSketch => ({
    id: (0xd000 + i).toString(16).padStart(16, '0'), parent: 'd00000000000000a', name: 'model.predict', service: 'ranker', kind: 3,
    startNano: at(20 + 10 * i), endNano: at(28 + 10 * i), attributes: { 'model.item': i, 'model.name': 'ranker-7b' },
    status: i === 7 || i === 21 ? { code: 2, message: 'no features' } : { code: 0 },
  })) // prettier-ignore
  return [
    { id: 'd00000000000000a', name: 'GET /rank', service: 'ranker', kind: 2, startNano: at(0), endNano: at(450), attributes: { 'http.request.method': 'GET', 'http.route': '/rank', 'user.tier': 'gold', 'user.id': 4711, 'server.address': 'shop.example', 'cache.hit': false } },
    ...predicts,
    { id: 'd00000000000000b', parent: 'd00000000000000a', name: 'GET features', service: 'ranker', kind: 3, startNano: at(2), endNano: at(18) },
    { id: 'd00000000000000c', parent: 'd00000000000000b', name: 'features.read', service: 'features', kind: 2, startNano: at(-8), endNano: at(4), attributes: { 'db.system.name': 'postgresql', 'db.query.text': 'SELECT 1' } },
    { id: 'd00000000000000d', parent: 'd00000000000000a', name: 'render', service: 'ranker', startNano: at(430), endNano: at(448) },
  ]
}

beforeAll(async () => {
  sightline = await Sightline.start()
  browser = await Browser.start()
  const start = now - 20_000n * MS
  const spans = shopTrace(start)
  await sightline.send('traces', tracesRequest(TRACE, spans))
  await sightline.send('logs', logsRequest('ranker', TRACE, [
    { atNano: start + 5n * MS, body: 'ranking 40 items', span: 'd00000000000000a' },
    { atNano: start + 95n * MS, body: 'no features of item 7', severity: 17, span: 'd00000000000d007' },
    { atNano: start + 440n * MS, body: 'rendered' },
  ])) // prettier-ignore
  await sightline.send('traces', tracesRequest(LINKING, [
    { id: 'e000000000000001', name: 'retrain', service: 'trainer', startNano: start + 900n * MS, endNano: start + 950n * MS, links: [{ traceId: TRACE, spanId: 'd00000000000000a' }] },
  ])) // prettier-ignore
  await sightline.send('metrics', {
    resourceMetrics: [{
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'ranker' } }] },
      scopeMetrics: [{ scope: { name: 'browser.test' }, metrics: [{
        name: 'process.memory.usage', unit: 'By',
        gauge: { dataPoints: Array.from({ length: 10 }, (_, i) => ({ timeUnixNano: String(start - BigInt(i * 30_000) * MS), asDouble: 64_000_000 })) },
      }] }],
    }],
  }) // prettier-ignore
  // What GET /rank usually takes: 100 to 159 ms.
  for (let i = 0; i < HISTORY; i++) {
    const begin = start - BigInt(60_000 + i * 1000) * MS
    await sightline.send('traces', tracesRequest((0x1000 + i).toString(16).padStart(32, '0'), [
      { id: 'd00000000000000a', name: 'GET /rank', service: 'ranker', kind: 2, startNano: begin, endNano: begin + BigInt(100 + i) * MS },
    ])) // prettier-ignore
  }
  await sightline.waitForSpans(TRACE, spans.length)
  await sightline.waitForSpans(LINKING, 1)
  await sightline.waitForSpans((0x1000 + HISTORY - 1).toString(16).padStart(32, '0'), 1)
})

afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

const open = async (page: Page, path = '') => {
  await page.goto(`${sightline.url}/traces/${TRACE}${path}`)
  await page.waitForSelector('.wf-row, .fg [role=treeitem], [aria-label="Attributes of the trace"] .place', { state: 'attached' })
}
const shown = async (page: Page, wanted: string[]) => {
  await page.waitForFunction((count) => document.querySelectorAll('.wf-row').length === count, wanted.length)
  const rows = await page.evaluate(() =>
    [...document.querySelectorAll('.wf-row')]
      .sort((a, b) => Number(a.getAttribute('aria-rowindex')) - Number(b.getAttribute('aria-rowindex')))
      .map((row) => row.querySelector('.wf-name')!.textContent),
  )
  expect(rows).toEqual(wanted)
}
const unfolded = (page: Page) => page.locator(`[role=treegrid][aria-rowcount="${PREDICTS + 5}"]`).waitFor()
const FOLDED = ['GET /rank', 'GET features', 'features.read', 'model.predict', 'model.predict', 'model.predict', 'render']

describe('siblings that are alike', () => {
  it('are one row with count and sum; those that failed stay in sight; a click and keys unfold', async () => {
    const page = await browser.page()
    await open(page)
    await shown(page, FOLDED)
    const folded = page.locator('.wf-row', { has: page.locator('.wf-repeat:not([hidden])') })
    expect(await folded.locator('.wf-repeat').textContent()).toBe('×38')
    expect(await folded.textContent()).toContain('304 ms together')
    expect(await page.locator('.wf-row.is-failed').count()).toBe(2)
    await folded.locator('.wf-repeat').click()
    await unfolded(page)
    await page.locator('.wf-repeat', { hasText: 'fold ×38' }).click()
    await shown(page, FOLDED)
    await page.locator('.wf-row', { hasText: '×38' }).click()
    await page.keyboard.press('ArrowRight')
    await unfolded(page)
    await page.keyboard.press('x')
    await shown(page, FOLDED)
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('unfold for a match of the search', async () => {
    const page = await browser.page()
    await open(page, '?q=000000000000d026')
    await page.getByText('1 found').waitFor()
    await page.keyboard.press('n')
    await unfolded(page)
    await page.close()
  })
})

describe('a filter', () => {
  it('to a service leaves out the others, but what its spans lie under', async () => {
    const page = await browser.page()
    await open(page)
    await page.getByRole('group', { name: 'Services' }).getByRole('button', { name: /^features/ }).click()
    await page.getByText('1 found').waitFor()
    await shown(page, FOLDED)
    await page.getByRole('button', { name: 'Only these' }).click()
    await shown(page, ['GET /rank', 'GET features', 'features.read'])
    await page.waitForURL(/only=1/)
    await page.reload()
    await shown(page, ['GET /rank', 'GET features', 'features.read'])
    await page.keyboard.press('o')
    await shown(page, FOLDED)
    expect(problems(page)).toEqual([])
    await page.close()
  })
})

describe('a span', () => {
  it('is compared with its operation in the day before', async () => {
    const page = await browser.page()
    await open(page, '?span=d00000000000000a')
    const history = page.getByRole('region', { name: 'Duration against its history' })
    await history.getByText('Slower than 98%').or(history.getByText('Among the slowest 1%')).waitFor()
    const href = await history.getByRole('link', { name: 'of 61 like it' }).getAttribute('href')
    expect(new URL(href!, sightline.url).searchParams.get('q')).toBe('{ resource.service.name = "ranker" && name = "GET /rank" }')
    await page.close()
  })

  it('has its attributes under namespaces; each leads to the spans with the same value, and to groups', async () => {
    const page = await browser.page()
    await open(page, '?span=d00000000000000a')
    const list = page.locator('dl[aria-label="Attributes of the span: http"]')
    await list.waitFor()
    expect(await list.locator('dt').allTextContents()).toEqual(['http.request.method', 'http.route'])
    const group = await list.getByRole('link', { name: 'Group by http.route' }).getAttribute('href')
    expect(new URL(group!, sightline.url).searchParams.get('by')).toBe('span.http.route')
    await list.locator('div', { hasText: 'http.route' }).hover()
    await list.getByRole('link', { name: 'Traces with http.route = /rank' }).click()
    await page.waitForURL((url) => url.pathname === '/traces' && url.searchParams.get('q') === '{ span.http.route = "/rank" }')
    await page.getByText('GET /rank').first().waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('knows who links to it', async () => {
    const page = await browser.page()
    await open(page, '?span=d00000000000000a&tab=links')
    await page.getByRole('link', { name: 'retrain' }).click()
    await page.waitForURL(`**/traces/${LINKING}?span=e000000000000001`)
    await page.close()
  })
})

describe('what lies around a span', () => {
  it('metrics of its service, with the way to them', async () => {
    const page = await browser.page()
    await open(page, '?span=d00000000000000a&tab=metrics')
    const list = page.getByRole('list', { name: 'Metrics around the span' })
    await list.getByText('process.memory.usage').waitFor()
    expect(await list.textContent()).toMatch(/6[14](\.\d)?.M/)
    const href = await list.getByRole('link', { name: 'process.memory.usage' }).getAttribute('href')
    expect(new URL(href!, sightline.url).searchParams.get('from')).toMatch(/^\d{19}$/)
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('logs of the trace lie on its time axis, and point at their moment', async () => {
    const page = await browser.page()
    await open(page, '?span=d00000000000000a&tab=trace-logs')
    const panel = page.locator('aside[aria-label=Span]')
    expect(await page.locator('.wf-cursor').isVisible()).toBe(false)
    await panel.getByText('rendered').hover()
    await page.locator('.wf-cursor:not([hidden])').waitFor()
    const [line, axis] = [await page.locator('.wf-cursor').boundingBox(), await page.locator('.wf-head-time').boundingBox()]
    // 448 of 458 ms from the first start; 12 pixels are free at both ends.
    expect(line!.x).toBeCloseTo(axis!.x + 12 + ((axis!.width - 24) * 448) / 458, -1)
    await page.close()
  })

  it('clocks that differ are named with an estimate', async () => {
    const page = await browser.page()
    await open(page)
    await page.getByRole('button', { name: 'The clock of features seems 10 ms to 14 ms behind that of ranker' }).click()
    await page.getByText('1 found').waitFor()
    await page.close()
  })
})

describe('the trace as one wide event', () => {
  it('has all attributes of all spans, is searched, leads to spans, and is copied as JSON', async () => {
    const page = await browser.page()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await open(page)
    await page.keyboard.press('w')
    await page.waitForURL(/view=event/)
    const table = page.getByRole('table', { name: 'Wide event' })
    await table.getByText('trace.duration_ms').waitFor()
    await page.getByRole('button', { name: 'Copy as JSON' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const event = JSON.parse(await page.evaluate(() => navigator.clipboard.readText())) as Record<string, unknown>
    expect(event).toMatchObject({ 'trace.id': TRACE, 'trace.spans': 44, 'trace.errors': 2, 'http.route': '/rank', 'model.name': 'ranker-7b', 'user.id': 4711, 'db.query.text': 'SELECT 1', 'status.message': 'no features' })
    expect(event['model.item']).toHaveLength(PREDICTS)

    await page.keyboard.press('/')
    await page.keyboard.type('model. ranker-7b')
    await page.getByText('1 value', { exact: true }).waitFor()
    const row = table.getByRole('row').filter({ hasText: 'ranker-7b' })
    expect(await row.textContent()).toContain(String(PREDICTS))
    await row.getByRole('button', { name: 'model.predict' }).click()
    await page.locator('aside[aria-label=Span] h2', { hasText: 'model.predict' }).waitFor()
    await page.getByRole('radio', { name: 'Waterfall' }).click()
    await page.locator('.wf-row.is-chosen', { hasText: 'model.predict' }).waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })
})

const SHOTS = process.env.SIGHTLINE_SCREENSHOTS ?? join(import.meta.dirname, '../../build/test-results/screenshots')

describe.each(['light', 'dark'] as const)('screenshots, %s', (theme) => {
  it.each([
    ['trace_view', '?span=d00000000000000a', 1440],
    ['trace_wide_event', '?view=event', 1440],
    ['trace_wide_event_narrow', '?view=event', 800],
    ['trace_view_metrics', '?span=d00000000000000a&tab=metrics', 1440],
    ['trace_view_narrow', '?span=d00000000000000a&tab=links', 800],
  ])('%s', async (name, path, width) => {
    await mkdir(SHOTS, { recursive: true })
    const page = await browser.page({ theme, width, height: 900 })
    await open(page, path)
    if (path.includes('span=')) await page.getByRole('region', { name: 'Duration against its history' }).waitFor()
    await page.screenshot({ path: join(SHOTS, `${name}_${theme}.png`) })
    await page.close()
  })
})

describe('for everyone', () => {
  it.each(['light', 'dark'] as const)('axe-core finds nothing to mend, %s', async (theme) => {
    const page = await browser.page({ theme })
    for (const path of ['', '?span=d00000000000000a', '?span=d00000000000000a&tab=links', '?span=d00000000000000c&tab=logs', '?q=service:"features"&only=1', '?view=event']) {
      await open(page, path)
      if (path.includes('span=')) await page.waitForSelector('aside[aria-label=Span] [role=tabpanel]:not(.dimmed)   :is(dl, ol, ul, p)')
      expect({ path, violations: await accessibilityViolations(page) }).toEqual({ path, violations: [] })
    }
    await page.close()
  })
})
