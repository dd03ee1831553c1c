// The page of metrics in Chromium against the real program.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, problems, settled, Sightline, waitUntil } from './harness'
import { attributes, tracesRequest } from './otlp'

const SHOTS = process.env.SIGHTLINE_SCREENSHOTS ?? join(import.meta.dirname, '../../build/test-results/screenshots')
const ROUTES = ['/search', '/item/{id}', '/cart']
const MINUTES = 30
const CALLS = 120 // of a route each minute
const now = BigInt(Date.now()) * 1_000_000n
const begin = now - BigInt(MINUTES) * 60_000_000_000n

// Of the exemplar of a route's durations in that minute, which was measured in its second half. Of every third minute the trace is
// not sent, as if it had been sampled out; one took very long.
const traceOf = (minute: number, route: number) => `${minute}`.padStart(30, 'e') + `${route}0`
const SLOW_MINUTE = 20
const milliseconds = (minute: number, route: number) => (minute === SLOW_MINUTE && route === 2 ? 2500 : 20 + ((minute * 7 + route * 13) % 30) + route * 25)
const isKept = (minute: number) => minute % 3 !== 0
const measuredAt = (minute: number) => begin + BigInt(minute * 60 - 20) * 1_000_000_000n
const SPAN = 'ab'.repeat(8)

let sightline: Sightline
let browser: Browser

// A counter, a gauge and a histogram of a service, one point a minute.
function request(minute: number): object {
  const time = { startTimeUnixNano: String(begin), timeUnixNano: String(begin + BigInt(minute) * 60_000_000_000n) }
  const perRoute = (point: (route: string, index: number) => object) =>
    ROUTES.map((route, index) => ({ ...time, attributes: attributes({ 'http.route': route }), ...point(route, index) }))
  return {
    resourceMetrics: [
      {
        resource: { attributes: attributes({ 'service.name': 'shop' }) },
        scopeMetrics: [
          {
            metrics: [
              {
                name: 'shop.orders', unit: '{order}', description: 'Orders taken.',
                sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: perRoute((_, i) => ({ asInt: String(minute * CALLS * (i + 1)) })) },
              },
              { name: 'process.cpu.utilization', unit: '1', gauge: { dataPoints: [{ ...time, asDouble: 0.25 + (minute % 5) / 20 }] } },
              {
                name: 'http.server.request.duration', unit: 's', description: 'Duration of HTTP server requests.',
                histogram: {
                  aggregationTemporality: 2,
                  dataPoints: perRoute((_, i) => ({
                    count: String(minute * CALLS), sum: minute * CALLS * 0.03 * (i + 1), explicitBounds: [0.01, 0.05, 0.1, 0.5],
                    exemplars: [{ timeUnixNano: String(measuredAt(minute)), asDouble: milliseconds(minute, i) / 1000, traceId: traceOf(minute, i), spanId: SPAN }],
                    bucketCounts: [0, minute * CALLS - minute * i * 10, minute * i * 10, 0, 0].map(String),
                  })),
                },
              },
            ],
          },
        ],
      },
    ],
  } // prettier-ignore
}

beforeAll(async () => {
  sightline = await Sightline.start()
  browser = await Browser.start()
  for (let minute = 1; minute <= MINUTES; minute++) await sightline.send('metrics', request(minute))
  for (let minute = 1; minute <= MINUTES; minute++) {
    for (const [i, route] of ROUTES.entries()) {
      const startNano = measuredAt(minute) - BigInt(milliseconds(minute, i)) * 1_000_000n
      if (isKept(minute)) await sightline.send('traces', tracesRequest(traceOf(minute, i), [{ id: SPAN, service: 'front', name: `GET ${route}`, kind: 2, startNano, endNano: measuredAt(minute) }]))
    }
  }
  await waitUntil(async () => {
    const answer = await sightline.ask<{ exemplars: { is_stored: boolean }[] }>(`/metrics/http.server.request.duration/exemplars?step=1m&limit=500`)
    return (answer?.exemplars.filter((one) => one.is_stored).length ?? 0) >= 20
  }, 'the traces of exemplars')
  // All points: the streams of a metric can be seen before the last of its points.
  for (const name of ['shop.orders', 'process.cpu.utilization', 'http.server.request.duration']) {
    await waitUntil(async () => {
      const answer = await sightline.ask<{ series: { values: (number | null)[] }[] }>(`/metrics/${name}/series?service=shop&step=1m`)
      return (answer?.series[0]?.values.filter((value) => value !== null).length ?? 0) >= MINUTES - 1
    }, `the points of ${name}`)
  }
})

afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

const legend = (page: Page) => page.getByRole('table', { name: 'Series' }).locator('tbody tr')
const shot = async (page: Page, name: string) => {
  await mkdir(SHOTS, { recursive: true })
  await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}

describe('the page of metrics', () => {
  it('shows the well-known ones in small, in both themes and narrow, without a fault', async () => {
    for (const [theme, width] of [['light', 1440], ['dark', 1440], ['light', 700]] as const) {
      const page = await browser.page({ theme, width })
      await page.goto(`${sightline.url}/metrics?service=shop`)
      await waitUntil(async () => (await page.locator('article .u-over').count()) === 3, 'three charts')
      expect(await page.locator('article h3').allInnerTexts()).toEqual(['http.server.request.duration', 'process.cpu.utilization', 'shop.orders'])
      expect(await accessibilityViolations(page)).toEqual([])
      expect(problems(page)).toEqual([])
      await shot(page, `metrics-${theme}-${width}`)
      await page.close()
    }
  })

  it('shows the rate of a counter by an attribute, the largest first, with the unit of a rate', async () => {
    const page = await browser.page()
    await page.goto(`${sightline.url}/metrics?name=shop.orders&step=1m`)
    await legend(page).first().waitFor()
    await page.getByRole('button', { name: /^Group by/ }).click()
    await page.keyboard.type('route')
    await page.keyboard.press('Enter')
    await waitUntil(async () => (await legend(page).count()) === ROUTES.length, 'a series for each route')
    expect(new URL(page.url()).searchParams.getAll('group_by')).toEqual(['http.route'])
    // 360, 240 and 120 a minute; the average has the step in which it began
    expect(await legend(page).locator('td:nth-child(5)').allInnerTexts()).toEqual(['6', '4', '2'])
    expect(await page.getByRole('columnheader', { name: /^Series/ }).innerText()).toContain('orders/s')
    await page.getByRole('radio', { name: 'Bars' }).click()
    await legend(page).first().getByRole('button').click()
    expect(new URL(page.url()).searchParams.get('only')).toBe('/cart')
    expect(new URL(page.url()).searchParams.get('draw')).toBe('bars')
    expect(await accessibilityViolations(page)).toEqual([])
    expect(problems(page)).toEqual([])
    await shot(page, 'metric-bars')
    await page.close()
  })

  it('shows quantiles of a histogram as durations, and other aggregations by a click', async () => {
    const page = await browser.page({ theme: 'dark' })
    await page.goto(`${sightline.url}/metrics?name=http.server.request.duration&group_by=http.route`)
    await legend(page).first().waitFor()
    expect(await page.getByRole('radio', { name: 'p95' }).getAttribute('aria-checked')).toBe('true')
    expect(await legend(page).first().innerText()).toMatch(/\d ms/)
    await page.getByRole('radio', { name: 'Rate' }).click()
    await waitUntil(async () => (await legend(page).first().innerText()).includes('/s'), 'a rate')
    await page.getByRole('radio', { name: 'p50' }).click()
    await waitUntil(async () => /\d ms/.test(await legend(page).first().innerText()), 'a duration again')
    await page.goBack()
    expect(new URL(page.url()).searchParams.get('aggregation')).toBe('rate')
    expect(problems(page)).toEqual([])
    await shot(page, 'metric-histogram-dark')
    await page.close()
  })

  it('draws exemplars as diamonds that lead to their spans, by pointer and by keyboard', async () => {
    const page = await browser.page()
    const diamonds = page.getByRole('group', { name: 'Exemplars' }).getByRole('link')
    // Short enough that each step has exemplars of its own: of several together only stored ones would be shown.
    await page.goto(`${sightline.url}/metrics?name=http.server.request.duration&group_by=http.route&step=1m&last=40m`)
    await legend(page).first().waitFor()
    expect(await diamonds.count()).toBe(0)
    await page.getByRole('button', { name: 'Exemplars' }).click()
    await diamonds.first().waitFor()
    expect(new URL(page.url()).searchParams.get('exemplars')).toBe('shown')
    expect(await diamonds.count()).toBeGreaterThan(30)
    // The slow one is beyond what the chart shows of quantiles.
    const slow = page.getByRole('link', { name: /Value 2.5 s/ })
    const [box, chart] = [await slow.boundingBox(), await page.locator('section[aria-label="Course"] .u-over').boundingBox()]
    expect(Math.abs((box?.y ?? 0) + (box?.height ?? 0) / 2 - (chart?.y ?? 0))).toBeLessThan(2)
    await slow.hover()
    await page.locator('.chart-tip:visible', { hasText: 'Trace' }).waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await shot(page, 'metric-exemplars-light')
    await slow.click()
    await page.getByRole('main').getByText('GET /cart').first().waitFor()
    expect(new URL(page.url()).pathname).toBe(`/traces/${traceOf(SLOW_MINUTE, 2)}`)
    expect(new URL(page.url()).searchParams.get('span')).toBe(SPAN)

    await page.goBack()
    await diamonds.first().waitFor()
    // Of traces that were sampled out: seen, and no way on.
    const gone = page.getByRole('link', { name: /not stored/ })
    expect(await gone.first().getAttribute('href')).toBeNull()
    await diamonds.first().focus()
    for (const [key, index] of [['End', -1], ['Home', 0], ['ArrowRight', 1], ['ArrowLeft', 0]] as const) {
      await page.keyboard.press(key)
      const wanted = await (index < 0 ? diamonds.last() : diamonds.nth(index)).getAttribute('aria-label')
      expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(wanted)
      expect(await page.locator('.chart-mark[tabindex="0"]').count()).toBe(1)
    }
    while ((await page.evaluate(() => document.activeElement?.getAttribute('href'))) === null) await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await waitUntil(() => Promise.resolve(new URL(page.url()).pathname.startsWith('/traces/e')), 'the trace')
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('keeps the diamonds of a series that is alone, and puts those of a rate at its foot', async () => {
    const page = await browser.page({ theme: 'dark' })
    const diamonds = page.getByRole('group', { name: 'Exemplars' }).getByRole('link')
    await page.goto(`${sightline.url}/metrics?name=http.server.request.duration&group_by=http.route&step=1m&exemplars=shown&scale=log`)
    await diamonds.first().waitFor()
    await shot(page, 'metric-exemplars-dark')
    await page.goto(`${sightline.url}/metrics?name=http.server.request.duration&group_by=http.route&step=1m&exemplars=shown&only=/cart&aggregation=rate`)
    await diamonds.first().waitFor()
    for (const label of await diamonds.evaluateAll((links) => links.map((link) => link.getAttribute('aria-label')))) expect(label).toContain('http.route /cart')
    const foot = await page.locator('section[aria-label="Course"] .u-over').boundingBox()
    const first = await diamonds.first().boundingBox()
    expect(Math.abs((first?.y ?? 0) + (first?.height ?? 0) / 2 - ((foot?.y ?? 0) + (foot?.height ?? 0)))).toBeLessThan(2)
    await shot(page, 'metric-exemplars-rate-dark')
    await page.goto(`${sightline.url}/metrics?name=process.cpu.utilization&exemplars=shown`)
    await page.getByText('No exemplars in this time').waitFor()
    expect(problems(page)).toEqual([])
    await page.setViewportSize({ width: 700, height: 900 })
    await page.goto(`${sightline.url}/metrics?name=http.server.request.duration&step=1m&exemplars=shown`)
    await diamonds.first().waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await shot(page, 'metric-exemplars-dark-700')
    await page.close()
  })

  it('draws exemplars on panels of a histogram too, of what the filter lets through', async () => {
    const query = { name: 'A', source: 'metrics', metric: 'http.server.request.duration', aggregation: 'p95' }
    const grid = { x: 0, y: 0, w: 12, h: 8 }
    const panels = [
      { id: 'p1', title: 'All', display: 'line', grid, queries: [query] },
      { id: 'p2', title: 'Of the cart', display: 'area', grid: { ...grid, x: 12 }, queries: [{ ...query, query: '{ .http.route = "/cart" }' }] },
      { id: 'p3', title: 'As a number', display: 'value', grid: { ...grid, y: 8 }, queries: [query] },
    ]
    const made = await fetch(`${sightline.url}/api/v1/dashboards`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ document: { schema: 1, title: 'Durations', time: '40m', panels } }),
    })
    expect(made.status, await made.clone().text()).toBe(201)
    const { id } = (await made.json()) as { id: number | string }
    const page = await browser.page()
    await page.goto(`${sightline.url}/dashboards/${id}`)
    const diamonds = (title: string) => page.getByRole('region', { name: title, exact: true }).getByRole('group', { name: 'Exemplars' }).getByRole('link')
    await diamonds('All').first().waitFor()
    await diamonds('Of the cart').first().waitFor()
    for (const label of await diamonds('Of the cart').evaluateAll((links) => links.map((link) => link.getAttribute('aria-label')))) expect(label).toContain('http.route /cart')
    expect(await diamonds('As a number').count()).toBe(0)
    expect(await accessibilityViolations(page)).toEqual([])
    await settled(page)
    await shot(page, 'panel-exemplars-light')
    const stored = diamonds('Of the cart').and(page.locator('[href]')).first()
    await stored.click()
    await waitUntil(() => Promise.resolve(/^\/traces\/e+\d*20$/.test(new URL(page.url()).pathname)), 'the trace of a cart')
    await page.getByRole('main').getByText('GET /cart').first().waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('says which attribute makes the series of a metric', async () => {
    const page = await browser.page()
    await page.goto(`${sightline.url}/metrics?name=http.server.request.duration`)
    await page.getByRole('button', { name: 'What makes the series' }).click()
    const table = page.getByRole('table', { name: 'Attributes of the series' })
    await table.getByRole('button', { name: 'http.route' }).waitFor()
    await settled(page)
    await shot(page, 'metric-cardinality-light')
    expect(await accessibilityViolations(page)).toEqual([])
    await table.getByRole('button', { name: 'http.route' }).click()
    await waitUntil(() => Promise.resolve(new URL(page.url()).searchParams.get('group_by') === 'http.route'), 'it is grouped by it')
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('names the attribute that makes too many series, in the list, over the chart and among the attributes', async () => {
    const limited = await Sightline.start(['--set', 'limits.metric_series_max=20'])
    try {
      const time = { startTimeUnixNano: String(begin), timeUnixNano: String(now) }
      const dataPoints = Array.from({ length: 60 }, (_, user) => ({ ...time, asInt: '1', attributes: attributes({ 'http.route': '/cart', 'user.id': `u${user}` }) }))
      const metrics = [{ name: 'shop.visits', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } }, { name: 'shop.stock', gauge: { dataPoints: [{ ...time, asDouble: 3 }] } }]
      await limited.send('metrics', { resourceMetrics: [{ resource: { attributes: attributes({ 'service.name': 'shop' }) }, scopeMetrics: [{ metrics }] }] })
      await waitUntil(async () => (await limited.ask<{ metrics: { limited?: unknown }[] }>('/metrics?service=shop'))?.metrics.some((one) => one.limited), 'the limit is reached')
      for (const [theme, width] of [['light', 1440], ['dark', 1440], ['light', 700]] as const) {
        const page = await browser.page({ theme, width })
        await page.goto(`${limited.url}/metrics?service=shop`)
        const rows = page.getByRole('table', { name: 'Metrics' }).getByRole('link')
        await rows.filter({ hasText: 'Too many series: user.id' }).getByText('shop.visits').waitFor()
        expect(await rows.filter({ hasText: 'shop.stock' }).innerText()).not.toContain('Too many')
        await shot(page, `metrics-limited-${theme}-${width}`)
        await page.goto(`${limited.url}/metrics?name=shop.visits&view=series`)
        const note = page.getByRole('group', { name: 'Too many series' })
        await note.getByText('user.id makes too many series of shop.').waitFor()
        await note.getByText(/the first 20 of a day/).waitFor()
        await note.getByText(/not in these values/).waitFor()
        const row = page.getByRole('table', { name: 'Attributes of the series' }).getByRole('row')
        expect(await row.filter({ hasText: 'makes too many series' }).getByRole('button').innerText()).toBe('user.id')
        await settled(page)
        await shot(page, `metric-limited-${theme}-${width}`)
        expect(await accessibilityViolations(page)).toEqual([])
        expect(problems(page)).toEqual([])
        await page.close()
      }
    } finally {
      await limited.close()
    }
  })

  it('computes with several metrics in the builder, and makes a panel of it', async () => {
    const page = await browser.page({ height: 1100 })
    await page.goto(`${sightline.url}/metrics?name=shop.orders`)
    await page.getByRole('link', { name: 'Open in the builder' }).click()
    await page.getByRole('img', { name: /1 series|2 series|3 series/ }).first().waitFor()
    await page.getByRole('button', { name: 'Query', exact: true }).click()
    await page.getByRole('group', { name: 'Query B' }).getByRole('checkbox', { name: 'only for formulas' }).check()
    await page.getByRole('button', { name: 'Formula' }).click()
    await page.getByRole('textbox', { name: 'Formula F' }).fill('A / (')
    await page.getByRole('alert').getByText(/column 6/).waitFor()
    await page.getByRole('textbox', { name: 'Formula F' }).fill('A * 2')
    await page.getByRole('button', { name: 'F', exact: true }).or(page.getByRole('button', { name: /^F( ·.*)?$/ })).first().waitFor()
    await settled(page)
    await shot(page, 'metric-builder-light')
    expect(await accessibilityViolations(page)).toEqual([])
    await page.reload()
    expect(await page.getByRole('textbox', { name: 'Formula F' }).inputValue()).toBe('A * 2')
    await page.getByRole('button', { name: 'Add to a dashboard' }).click()
    await page.getByRole('menuitem', { name: 'A new dashboard' }).click()
    await page.waitForURL(/\/dashboards\/\d+/)
    await page.getByRole('region', { name: 'shop.orders' }).waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('keeps an error beside what was there, and says it where nothing was', async () => {
    const page = await browser.page()
    await page.goto(`${sightline.url}/metrics?name=no.such.metric`)
    await page.getByText('There is no metric of this name').waitFor()
    await page.goto(`${sightline.url}/metrics?name=shop.orders&aggregation=p95`)
    await page.getByRole('alert').getByText(/does not fit/).waitFor()
    await page.getByRole('radio', { name: 'Rate' }).click()
    await legend(page).first().waitFor()
    await page.close()
  })
})
