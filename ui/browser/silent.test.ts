// The page of silent failures in Chromium against the real program: empty, and with failures of several kinds.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, problems, settled, Sightline, waitUntil } from './harness'
import { tracesRequest, type SpanSketch } from './otlp'

const SHOTS = process.env.SIGHTLINE_SCREENSHOTS ?? join(import.meta.dirname, '../../build/test-results/screenshots')
const REQUESTS = 60
const MS = 1_000_000n

let sightline: Sightline
let browser: Browser

// Numbers with a fixed seed.
let state = 5
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')

// Of every request some calls fail; the request answers 200, but for a few that fail too.
function request(number: number, startNano: bigint): SpanSketch[] {
  const [root, call, query, render] = [hex(16), hex(16), hex(16), hex(16)]
  const at = (ms: number) => startNano + BigInt(ms) * MS
  const loud = number % 20 === 0
  const failed = (message: string) => ({ status: { code: 2 as const, message } })
  const spans: SpanSketch[] = [
    {
      id: root, name: 'GET /search', service: 'frontend', kind: 2, startNano: at(0), endNano: at(200),
      attributes: { 'http.response.status_code': loud ? 500 : 200 }, ...(loud && failed('search failed')),
    },
    {
      id: call, parent: root, name: 'GET', service: 'frontend', kind: 3, startNano: at(5), endNano: at(60), attributes: { 'server.address': 'en.wikipedia.org' },
      ...(number % 2 === 0 && failed(`connect timeout after ${1000 + number} ms`)),
    },
  ] // prettier-ignore
  if (number % 3 === 0) {
    spans.push({ id: query, parent: root, name: 'SELECT prices', service: 'frontend', kind: 3, startNano: at(70), endNano: at(90), attributes: { 'db.namespace': 'shop' }, ...failed(`no row for key '${hex(6)}'`) })
    spans.push({ ...spans.at(-1)!, id: hex(16), startNano: at(92), endNano: at(99), status: { code: 0 } })
  }
  if (number % 5 === 0) {
    const attributes = { 'exception.type': 'KeyError', 'exception.message': `'user-${number}'` }
    spans.push({ id: render, parent: root, name: 'render recommendations for the signed-in customer', service: 'recommender', startNano: at(100), endNano: at(150), events: [{ name: 'exception', atNano: at(120), attributes }] })
  }
  return spans
} // prettier-ignore

async function sendRequests(): Promise<void> {
  const now = BigInt(Date.now()) * MS
  let spans = 0
  for (let i = 0; i < REQUESTS; i++) {
    const sketches = request(i, now - BigInt(Math.floor(random() * 25 * 60 + 5)) * 1000n * MS)
    spans += sketches.length
    await sightline.send('traces', tracesRequest(hex(32), sketches))
  }
  await waitUntil(async () => {
    const found = await sightline.ask<{ failures: { entries: { requests_in_all: number | null }[] }[] }>('/silent-failures?last=1h')
    return found?.failures.length === 3 && found.failures.every((one) => one.entries[0]?.requests_in_all === REQUESTS)
  }, `${spans} spans stored and counted`)
}

beforeAll(async () => {
  sightline = await Sightline.start(['--set', 'self_metrics.interval=0s'])
  browser = await Browser.start()
})

afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

const shot = async (page: Page, name: string) => {
  await mkdir(SHOTS, { recursive: true })
  await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}
const table = (page: Page) => page.getByRole('table', { name: 'Silent failures' })
const rows = (page: Page) => table(page).locator('.row')

describe('the page of silent failures', () => {
  it('says what would be here before there is anything', async () => {
    const page = await browser.page()
    await page.goto(`${sightline.url}/silent-failures`)
    await page.getByText('No traces yet').waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await sightline.send('traces', tracesRequest(hex(32), [{ id: hex(16), name: 'GET /', service: 'calm', kind: 2, startNano: BigInt(Date.now() - 1000) * MS, endNano: BigInt(Date.now()) * MS }]))
    await page.getByRole('heading', { name: 'No silent failures in this time' }).waitFor()
    await settled(page)
    await shot(page, 'silent-empty')
    expect(await accessibilityViolations(page)).toEqual([])
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('lists what failed by the requests it hit, in both themes and narrow', async () => {
    await sendRequests()
    for (const [theme, width] of [['light', 1440], ['dark', 1440], ['light', 900], ['light', 420], ['dark', 420]] as const) {
      const page = await browser.page({ theme, width, height: 800 })
      await page.goto(`${sightline.url}/silent-failures?last=1h`)
      await page.getByText('3 failures in').waitFor()
      if (width > 1000) await waitUntil(async () => (await rows(page).locator('.seen time').count()) === 3, 'since when each is there')
      await settled(page)
      const texts = await rows(page).allInnerTexts()
      expect(texts).toHaveLength(3)
      // 30 of 60 calls fail, three of them in requests that fail too.
      expect(texts[0]).toMatch(/GET → en\.wikipedia\.org\s+connect timeout after # ms\s+45/)
      expect(texts[1]).toMatch(/SELECT prices → shop\s+no row for key '…'\s+31\.7/)
      expect(texts[2]).toMatch(/recommender\s+render[^\n]*\s+KeyError: '…'\s+15/)
      expect(await accessibilityViolations(page)).toEqual([])
      expect(problems(page)).toEqual([])
      await shot(page, `silent-${theme}-${width}`)
      await page.close()
    }
  })

  it('opens one with its requests and traces, which lead to the failed span and to the explorer', async () => {
    for (const theme of ['light', 'dark'] as const) {
      const page = await browser.page({ theme, width: 1440, height: 900 })
      await page.goto(`${sightline.url}/silent-failures?last=1h`)
      await rows(page).nth(1).click()
      const panel = page.getByRole('complementary', { name: 'Silent failure' })
      await panel.getByText('retried with success').waitFor()
      expect(await panel.innerText()).toMatch(/Requests hit\s+19 of 60/)
      expect(await panel.innerText()).toContain('1.4.2')
      expect(await panel.locator('li a').count()).toBe(5)
      await page.mouse.move(0, 0)
      await page.getByRole('tooltip').waitFor({ state: 'hidden' })
      await settled(page)
      await shot(page, `silent-detail-${theme}`)
      expect(await accessibilityViolations(page)).toEqual([])
      await page.reload()
      await panel.locator('li a').first().click()
      await page.getByRole('complementary', { name: 'Span' }).getByText('SELECT prices').first().waitFor()
      await page.goBack()
      await panel.getByRole('link', { name: 'Find the traces' }).click()
      await page.waitForURL(/\/traces\?/)
      await page.getByRole('table', { name: 'Traces' }).locator('[data-row-focus]').first().waitFor()
      expect(problems(page)).toEqual([])
      await page.close()
    }
  })

  it('finds the traces whatever service the page is narrowed to', async () => {
    const page = await browser.page()
    await page.goto(`${sightline.url}/silent-failures?last=1h&service=frontend`)
    await rows(page).filter({ hasText: 'recommender' }).click()
    await page.getByRole('complementary', { name: 'Silent failure' }).getByRole('link', { name: 'Find the traces' }).click()
    await page.waitForURL(/\/traces\?/)
    await page.getByRole('table', { name: 'Traces' }).locator('[data-row-focus]').first().waitFor()
    expect(new URL(page.url()).searchParams.has('service')).toBe(false)
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('says so where the chosen one is not in this time', async () => {
    const page = await browser.page()
    await page.goto(`${sightline.url}/silent-failures?last=1h&failure=gone`)
    const panel = page.getByRole('complementary', { name: 'Not in this time' })
    await panel.getByText('It hit no request in this time.').waitFor()
    await settled(page)
    await shot(page, 'silent-gone')
    expect(await accessibilityViolations(page)).toEqual([])
    await panel.getByRole('button', { name: /^Last/ }).first().click()
    await page.waitForURL((url) => url.searchParams.get('last') !== '1h')
    await panel.getByRole('button', { name: 'Close (Esc)' }).click()
    await panel.waitFor({ state: 'detached' })
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('lists without the times since when, and says what went wrong with them', async () => {
    const page = await browser.page()
    const body = JSON.stringify({ error: { code: 'INTERNAL', message: 'the query was ended', where: null, hint: null } })
    const isDated = (url: URL) => url.pathname === '/api/v1/silent-failures' && !url.searchParams.has('first_seen')
    await page.route(isDated, (route) => route.fulfill({ status: 500, contentType: 'application/json', body }))
    await page.goto(`${sightline.url}/silent-failures?last=1h`)
    await page.getByRole('alert').getByText('the query was ended').waitFor()
    expect(await rows(page).count()).toBe(3)
    await page.unroute(isDated)
    await page.getByRole('button', { name: 'Retry' }).click()
    await waitUntil(async () => (await rows(page).locator('.seen time').count()) === 3, 'since when each is there')
    await page.close()
  })

  it('is reached by keys, from Home and from the services', async () => {
    const page = await browser.page({ width: 1440, height: 1000 })
    await page.goto(`${sightline.url}/?last=1h`)
    const tile = page.getByRole('region', { name: 'Silent failures' })
    await tile.getByText('en.wikipedia.org').waitFor()
    await settled(page)
    await shot(page, 'silent-home')
    await tile.getByRole('link', { name: 'What failed' }).click()
    await table(page).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    const badge = page.getByRole('table', { name: 'Services' }).getByRole('link', { name: /% silent: \d+ requests/ })
    await badge.waitFor()
    await settled(page)
    await shot(page, 'silent-services')
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByRole('link', { name: 'frontend' }).click()
    const onPage = page.getByRole('link', { name: /^Silent failures: \d+ requests/ })
    await onPage.waitFor()
    await shot(page, 'silent-service')
    expect(await accessibilityViolations(page)).toEqual([])
    await onPage.click()
    await rows(page).first().waitFor()
    expect(new URL(page.url()).searchParams.get('service')).toBe('frontend')
    await page.keyboard.press('g')
    await page.keyboard.press('h')
    await tile.waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('f')
    await table(page).waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })
})
