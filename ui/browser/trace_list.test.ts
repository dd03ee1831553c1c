// The services and traces pages in Chromium: from a service that does badly to the failed call that its root says nothing
// of, by mouse and by keys; and back to where one was.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, problems, Sightline, waitUntil } from './harness'
import { tracesRequest, type SpanSketch } from './otlp'

const MS = 1_000_000n
const MESSAGE = 'HTTPSConnectionPool(host=wikipedia.example): connection refused'
const FINE = 300
const FAILING = 3
const SLOW_NAME = 'GET /export'

let sightline: Sightline
let browser: Browser
const now = BigInt(Date.now()) * MS
const traceId = (kind: string, index: number) => kind + String(index).padStart(32 - kind.length, '0')
const spanId = (index: number, place: number) => `${String(index + 1).padStart(12, '0')}${String(place).padStart(4, '0')}`

// GET /search whose root is never set to an error; with a failure its call to Wikipedia is.
function search(index: number, agoMs: number, failed: boolean): SpanSketch[] {
  const at = (ms: number) => now - BigInt(agoMs) * MS + BigInt(ms) * MS
  const status = failed ? ({ code: 2, message: `${MESSAGE}\nretried twice` } as const) : undefined
  return [
    { id: spanId(index, 1), name: 'GET /search', service: 'team/search', kind: 2, startNano: at(0), endNano: at(40) },
    { id: spanId(index, 2), parent: spanId(index, 1), name: 'wikipedia.get', service: 'team/search', kind: 3, startNano: at(5), endNano: at(25), ...(status && { status }) },
    { id: spanId(index, 3), parent: spanId(index, 1), name: 'model.predict', service: 'model-server', kind: 2, startNano: at(26), endNano: at(38), attributes: { 'model.version': index % 2 === 0 ? 'even' : 'odd' } },
  ]
}

beforeAll(async () => {
  sightline = await Sightline.start()
  browser = await Browser.start()
})

afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

const rows = (page: Page) => page.getByRole('table', { name: 'Traces' }).locator('[data-row-focus]')
const activeRow = (page: Page) => page.locator('[data-active]')

describe('while nothing is stored', () => {
  it('says how to send traces, and shows the first ones by itself', async () => {
    const page = await browser.page()
    await page.goto(`${sightline.url}/traces`)
    await page.getByText('No traces yet').waitFor()
    expect(await page.getByLabel('Shell').textContent()).toContain(`OTEL_EXPORTER_OTLP_ENDPOINT=${sightline.otlpUrl}`)
    expect(await accessibilityViolations(page)).toEqual([])

    for (let i = 0; i < FINE; i++) await sightline.send('traces', tracesRequest(traceId('f', i), search(i, 60_000 + i * 1000, false)))
    for (let i = 0; i < FAILING; i++) {
      await sightline.send('traces', tracesRequest(traceId('e', i), search(1000 + i, 30_000 + i * 1000, true)))
    }
    await sightline.send(
      'traces',
      tracesRequest(traceId('d', 0), [
        { id: spanId(2000, 1), name: SLOW_NAME, service: '', kind: 2, startNano: now - 20_000n * MS, endNano: now - 15_000n * MS },
      ]),
    )
    await rows(page).first().waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })
})

describe('the list of traces', () => {
  let page: Page

  beforeAll(async () => {
    page = await browser.page()
    await waitUntil(async () => {
      const answer = await sightline.ask<{ matched: number }>('/traces/scatter?limit=1')
      return answer !== null && answer.matched >= 3 * (FINE + FAILING) + 1
    }, 'all spans')
  })

  it('shows a trace as failing whose root says nothing of it, with where and why', async () => {
    await page.goto(`${sightline.url}/traces?status=error`)
    await rows(page).first().waitFor()
    expect(await rows(page).count()).toBe(FAILING)
    const first = page.getByRole('table', { name: 'Traces' }).getByRole('row').nth(1)
    expect(await first.getByLabel('Likely causes').innerText()).toContain('wikipedia.get')
    expect(await first.getByLabel('Likely causes').innerText()).toContain(MESSAGE)
    expect(await first.innerText()).toContain('root has no error')
    expect(await first.getByRole('img', { name: /^Failed below the root, whose own status is Unset/ }).count()).toBe(1)
    expect(await accessibilityViolations(page)).toEqual([])
  })

  it('lays its rows out anew where there is less room', async () => {
    await page.setViewportSize({ width: 700, height: 900 })
    const gaps = () =>
      page.locator('[role=table][aria-label=Traces] .place').evaluateAll((places) => {
        const boxes = places.map((place) => place.getBoundingClientRect()).sort((a, b) => a.top - b.top)
        return boxes.slice(1).map((box, i) => Math.round(box.top - (boxes[i]?.bottom ?? 0)))
      })
    await waitUntil(async () => (await gaps()).length === FAILING - 1 && (await gaps()).every((gap) => gap === 0), 'rows below each other')
    await page.setViewportSize({ width: 1440, height: 900 })
    await waitUntil(async () => (await gaps()).every((gap) => gap === 0), 'rows below each other again')
  })

  it('opens the cause at its span', async () => {
    await page.getByRole('table', { name: 'Traces' }).getByText(MESSAGE).first().click()
    await page.waitForURL((url) => url.pathname.startsWith('/traces/e') && url.searchParams.get('span')?.endsWith('0002') === true)
    await page.goBack()
  })

  it('filters by attribute, duration and service, all in the URL', async () => {
    await page.goto(`${sightline.url}/traces?service=model-server`)
    await page.getByRole('button', { name: 'Attribute' }).click()
    await page.keyboard.type('model.version=odd')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.searchParams.get('attribute') === 'model.version=odd')
    await page.getByText(`First ${100} traces`).waitFor()

    await page.getByLabel('At least').fill('1m')
    await page.keyboard.press('Enter')
    await page.getByText('No trace meets all conditions').waitFor()
    // The one condition that keeps all out is known by trying.
    const way = page.getByRole('button', { name: 'at least 1m' })
    await way.getByText('finds traces').waitFor()
    await way.click()
    await page.waitForURL((url) => url.searchParams.get('min_duration') === null)
    await rows(page).first().waitFor()
  })

  it('moves by keys, opens with Enter, and comes back to the same row at the same place', async () => {
    await page.goto(`${sightline.url}/traces`)
    await rows(page).first().waitFor()
    const list = page.getByRole('table', { name: 'Traces' })
    // Past the first page.
    await waitUntil(async () => {
      await list.evaluate((element) => element.scrollTo(0, element.scrollHeight))
      return (await page.getByText('No more in this time').count()) > 0
    }, 'the end of the list')
    await list.evaluate((element) => element.scrollTo(0, 4000))
    // A row in the middle, once the rows there exist; focused and read in one step, as rows are made anew while scrolling.
    const href = await waitUntil(
      () =>
        list.evaluate((element) => {
          const { top, bottom } = element.getBoundingClientRect()
          const links = [...element.querySelectorAll<HTMLElement>('[data-row-focus]')]
          const link = links.find((one) => one.getBoundingClientRect().top > top + 80 && one.getBoundingClientRect().bottom < bottom)
          link?.focus({ preventScroll: true })
          return link?.getAttribute('href') ?? null
        }),
      'a row in sight',
    )
    const place = await list.evaluate((element) => element.scrollTop)
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.pathname === href.split('?')[0])
    await page.goBack()
    await activeRow(page).waitFor()
    expect(await activeRow(page).locator('[data-row-focus]').getAttribute('href')).toBe(href)
    expect(await list.evaluate((element) => element.scrollTop)).toBe(place)

    await page.keyboard.press('j')
    expect(await activeRow(page).locator('[data-row-focus]').getAttribute('href')).not.toBe(href)
    await page.keyboard.press('k')
    expect(await activeRow(page).locator('[data-row-focus]').getAttribute('href')).toBe(href)
    await page.keyboard.press('Escape')
    expect(await activeRow(page).count()).toBe(0)
  })

  it('takes a box dragged over the plot as a time and a duration', async () => {
    await page.goto(`${sightline.url}/traces`)
    await rows(page).first().waitFor()
    const plot = page.getByRole('region', { name: 'Duration over time' }).getByRole('img').last()
    const box = await plot.boundingBox()
    if (box === null) throw new Error('the plot is not there')
    await page.mouse.move(box.x + box.width * 0.5, box.y + 30)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.7, box.y + 60)
    await page.mouse.move(box.x + box.width - 20, box.y + 100)
    await page.mouse.up()
    await page.waitForURL((url) => ['from', 'to', 'min_duration', 'max_duration'].every((key) => url.searchParams.has(key)))
    await page.goBack()
    await page.waitForURL((url) => url.search === '')
  })

  it('holds new traces back behind a pill while it is live', async () => {
    await page.goto(`${sightline.url}/traces?live=5s`)
    await rows(page).first().waitFor()
    const before = await rows(page).first().getAttribute('href')
    await sightline.send('traces', tracesRequest(traceId('c', 0), search(3000, Number(now / MS) - Date.now() + 500, false)))
    const pill = page.getByRole('button', { name: '1 new trace' })
    await pill.waitFor()
    expect(await rows(page).first().getAttribute('href')).toBe(before)
    await pill.click()
    await page.waitForFunction((old) => document.querySelector('[role=table] [data-row-focus]')?.getAttribute('href') !== old, before)
    expect(await rows(page).first().getAttribute('href')).toContain(traceId('c', 0))
    expect(problems(page)).toEqual([])
    await page.close()
  })
})

describe('the services', () => {
  it('lead to a service, its operations, their traces', async () => {
    const page = await browser.page()
    await page.goto(`${sightline.url}/services`)
    const table = page.getByRole('table', { name: 'Services' })
    await table.getByText('team/search').waitFor()
    expect(await accessibilityViolations(page)).toEqual([])

    await page.getByRole('button', { name: 'p95' }).click()
    await page.waitForURL((url) => url.searchParams.get('sort') === '-p95')
    expect(await table.locator('[data-row-focus]').first().innerText()).toBe('unnamed')

    await page.keyboard.press('/')
    await page.keyboard.type('team')
    await page.keyboard.press('Escape')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.pathname === '/services/team%2Fsearch')
    const operations = page.getByRole('table', { name: 'Operations' })
    await operations.getByText('wikipedia.get').waitFor()
    await page.getByRole('img', { name: /^Calls a second, .* in all/ }).waitFor()
    expect(await accessibilityViolations(page)).toEqual([])

    await operations.getByText('wikipedia.get').click()
    await page.waitForURL((url) => url.pathname === '/traces' && url.searchParams.get('service') === 'team/search' && url.searchParams.get('name') === 'wikipedia.get')
    await rows(page).first().waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('may have no name', async () => {
    const page = await browser.page({ theme: 'dark', width: 700 })
    await page.goto(`${sightline.url}/services`)
    await page.getByRole('table', { name: 'Services' }).getByText('unnamed').click()
    await page.getByText('These spans carry no service.name').waitFor()
    await page.getByRole('table', { name: 'Operations' }).getByText(SLOW_NAME).waitFor()
    await page.getByRole('img', { name: /^Durations: p50 .*, p95 .*, p99 / }).waitFor()
    expect(await accessibilityViolations(page)).toEqual([])

    await page.getByRole('navigation', { name: 'Of this service' }).getByText('Traces').click()
    await page.waitForURL((url) => url.pathname === '/traces' && url.searchParams.get('service') === '~')
    await rows(page).first().waitFor()
    expect(await rows(page).count()).toBe(1)
    expect(await rows(page).first().innerText()).toContain(SLOW_NAME)
    await page.getByRole('button', { name: 'Service: unnamed' }).waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })
})
