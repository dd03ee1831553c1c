// The frame, the start page and the settings in Chromium, against the real program.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, problems, settled, Sightline, waitUntil } from './harness'
import { attributes } from './otlp'

const MINUTE_NANO = 60_000_000_000n
const BEFORE_MINUTES = 120
const FAILING_MINUTES = 20
const CALLS_A_MINUTE = 6
const FIRST_LOAD_BYTES_MAX = 150_000
const FONT_BYTES_MAX = 100_000

let program: Sightline
let browser: Browser
beforeAll(async () => {
  program = await Sightline.start()
  browser = await Browser.start()
})
afterAll(async () => {
  await browser?.close()
  await program?.close()
})

const pathOf = (page: Page) => page.evaluate(() => location.pathname + location.search)
const focusOf = (page: Page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.getAttribute('aria-label') || '')

// Two hours of two services; the first one fails every other time for some minutes now, below it a third one. A service
// of one span is there already: the line for newcomers sent it.
function traffic(): object {
  const now = BigInt(Date.now()) * 1_000_000n
  const spans: Record<string, object[]> = { checkout: [], payment: [], catalog: [] }
  for (let minute = BEFORE_MINUTES; minute > 0; minute--) {
    for (let call = 0; call < CALLS_A_MINUTE; call++) {
      const start = now - BigInt(minute) * MINUTE_NANO + (BigInt(call) * MINUTE_NANO) / BigInt(CALLS_A_MINUTE)
      const failed = minute <= FAILING_MINUTES && call % 2 === 0
      const [traceId, parent, child] = [16, 8, 8].map((bytes) => randomBytes(bytes).toString('hex'))
      const times = { startTimeUnixNano: String(start), endTimeUnixNano: String(start + 40_000_000n) }
      const status = failed ? { code: 2, message: `no answer within ${1000 + minute} ms` } : {}
      spans['checkout']?.push({ traceId, spanId: parent, name: 'POST /checkout', kind: 2, ...times, status: failed ? { code: 2 } : {} })
      spans['payment']?.push({ traceId, spanId: child, parentSpanId: parent, name: 'charge', kind: 3, ...times, status })
      spans['catalog']?.push({ traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex'), name: 'GET /items', kind: 2, ...times, status: {} })
    }
  }
  return {
    resourceSpans: Object.entries(spans).map(([service, list]) => ({
      resource: { attributes: attributes({ 'service.name': service }) },
      scopeSpans: [{ scope: { name: 'test' }, spans: list }],
    })),
  }
}

describe('an empty program', () => {
  it('shows newcomers a line that sends one span, and the trace once it is there', async () => {
    const page = await browser.page()
    await page.goto(program.url)
    await page.getByRole('heading', { name: 'Nothing has arrived yet' }).waitFor()
    const line = (await page.locator('pre').first().textContent()) ?? ''
    expect(line).toContain(`curl ${program.otlpUrl}/v1/traces`)
    expect(execFileSync('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim()).toBe('{}')
    await page.getByRole('link', { name: 'Open its trace' }).click()
    await waitUntil(() => pathOf(page).then((path) => /^\/traces\/[0-9a-f]{32}$/.test(path)), 'the trace page')
    await page.goto(program.url)
    await page.getByRole('heading', { name: /deviates|is failing/ }).waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })
})

describe('a program with data', () => {
  beforeAll(async () => {
    await program.send('traces', traffic())
    await waitUntil(async () => {
      const list = await program.ask<{ services: { service: string; errors: number }[] }>('/services?last=1h')
      return list?.services.some((one) => one.service === 'checkout' && one.errors > 0)
    }, 'calls of checkout')
  })

  async function home(query = '', options: Parameters<Browser['page']>[0] = {}): Promise<Page> {
    const page = await browser.page(options)
    await page.goto(`${program.url}/${query}`)
    await page.getByRole('article', { name: 'checkout: Failing' }).waitFor()
    return page
  }

  it('says what deviates, why, and leads to the traces behind it', async () => {
    const page = await home()
    expect(await page.getByRole('heading', { name: /^checkout is failing/ }).count()).toBe(1)
    const tile = page.getByRole('article', { name: 'checkout: Failing' })
    expect(await tile.textContent()).toMatch(/(4\d|5\d)(\.\d+)?\s%.*was 0\s%/s)
    const cause = page.getByRole('link', { name: /payment charge no answer within/ })
    await cause.waitFor()
    expect(await cause.count()).toBe(1) // one kind, though each message has its own number
    await tile.getByRole('link', { name: /of calls fail/ }).click()
    await waitUntil(() => pathOf(page).then((path) => path.startsWith('/traces?') && path.includes('status=error') && path.includes('service=checkout')), 'failing traces')
    await page.goBack()
    await tile.waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('comes back to where a page was scrolled', async () => {
    const page = await home('', { height: 360 })
    const main = page.locator('main')
    const link = page.getByRole('link', { name: 'All services' })
    await link.waitFor()
    await settled(page) // what comes later may be shorter than its place-holder
    // In one go, as the page goes on living. And not by a real click, which would bring the link into sight first.
    const place = await link.evaluate((element: HTMLElement) => {
      const box = document.querySelector('main')!
      box.scrollTo(0, 200)
      const at = box.scrollTop // as far as the page goes
      element.click()
      return at
    })
    expect(place).toBeGreaterThan(50)
    await page.getByRole('table', { name: 'Services' }).waitFor()
    expect(await main.evaluate((element) => element.scrollTop)).toBe(0)
    await page.goBack()
    await waitUntil(() => main.evaluate((element) => element.scrollTop).then((now) => now === place), 'the place where one was')
    await page.close()
  })

  it('goes anywhere by keyboard, and keeps range and service', async () => {
    const page = await home('?last=3h&service=checkout')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Find or do something' }).waitFor()
    await page.keyboard.type('traces')
    await page.getByRole('option', { name: 'Traces', exact: true }).or(page.getByRole('option', { name: /^Traces g/ })).first().waitFor()
    await page.keyboard.press('Enter')
    await waitUntil(() => pathOf(page).then((path) => path === '/traces?last=3h&service=checkout'), 'the traces')
    await waitUntil(() => focusOf(page).then((focus) => focus === 'main'), 'the focus in the page')
    expect(await page.title()).toBe('Traces · Sightline')
    await page.keyboard.press('g')
    await page.keyboard.press('l')
    await waitUntil(() => pathOf(page).then((path) => path.startsWith('/logs?last=3h&service=checkout')), 'the logs')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Find or do something' }).waitFor()
    await page.keyboard.insertText('failed: trace_id=4BF92F3577B34DA6A3CE929D0E0E4736 (see log)')
    await page.keyboard.press('Enter')
    await waitUntil(() => pathOf(page).then((path) => path.startsWith('/traces/4bf92f3577b34da6a3ce929d0e0e4736')), 'the pasted trace')
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('understands typed ranges, says so before, and steps', async () => {
    const page = await home()
    await page.keyboard.press('t')
    const picker = page.getByRole('dialog', { name: 'Time range' })
    await picker.waitFor()
    await page.keyboard.type('soon')
    await picker.getByText('Not understood').waitFor()
    await page.keyboard.press('Enter')
    expect(await picker.isVisible()).toBe(true)
    await page.keyboard.press('Control+a')
    await page.keyboard.type('45m')
    await picker.getByText(/Last 45 minutes: /).waitFor()
    await page.keyboard.press('Enter')
    expect(await pathOf(page)).toBe('/?last=45m')
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await page.keyboard.press('[')
    const { from, to } = Object.fromEntries(new URL(page.url()).searchParams) as { from: string; to: string }
    expect(Number(BigInt(to) - BigInt(from)) / 60e9).toBeCloseTo(45, 3)
    await page.goBack()
    expect(await pathOf(page)).toBe('/?last=45m')
    await page.close()
  })

  it('loads at most 150 kB, and 100 kB of fonts, before it shows the start page', async () => {
    // An empty cache, and what really goes over the wire: CDP counts the bytes, heads included.
    const fresh = await Browser.start()
    const page = await fresh.page()
    const wire = await page.context().newCDPSession(page)
    const loads = new Map<string, { path: string; encoding: string; bytes: number }>()
    await wire.send('Network.enable')
    wire.on('Network.responseReceived', ({ requestId, response }) => {
      const encoding = Object.entries(response.headers).find(([name]) => name.toLowerCase() === 'content-encoding')?.[1] ?? ''
      loads.set(requestId, { path: new URL(response.url).pathname, encoding, bytes: 0 })
    })
    wire.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      const load = loads.get(requestId)
      if (load) load.bytes = encodedDataLength
    })
    await page.goto(program.url)
    await page.getByRole('article', { name: 'checkout: Failing' }).waitFor()
    await settled(page)
    const files = [...loads.values()].filter(({ path }) => !path.startsWith('/api/'))
    await waitUntil(() => files.every(({ bytes }) => bytes > 0), 'all files are there')
    const fonts = files.filter(({ path }) => path.endsWith('.woff2'))
    const others = files.filter((file) => !fonts.includes(file))
    const sum = (list: typeof files) => list.reduce((total, { bytes }) => total + bytes, 0)
    console.log(`first load: ${sum(others)} bytes in ${others.length} files, ${sum(fonts)} of fonts in ${fonts.length}`)
    expect(others.some(({ path }) => path === '/')).toBe(true)
    expect(others.filter(({ path }) => path.endsWith('.js')).length).toBeGreaterThan(1)
    expect(others.filter(({ path, encoding }) => /\.(js|css)$|^\/$/.test(path) && encoding !== 'gzip' && encoding !== 'br')).toEqual([])
    expect(sum(others)).toBeLessThan(FIRST_LOAD_BYTES_MAX)
    expect(fonts.length).toBeGreaterThan(0)
    expect(sum(fonts)).toBeLessThan(FONT_BYTES_MAX)
    await fresh.close()
  })

  it('offers a reload when a page’s code is gone', async () => {
    const page = await home()
    await page.route('**/assets/MetricsPage*', (route) => route.fulfill({ status: 404, body: '' }))
    await page.keyboard.press('g')
    await page.keyboard.press('m')
    await page.getByRole('button', { name: 'Reload' }).waitFor()
    await page.close()
  })

  it('has the rail in a drawer where there is no room', async () => {
    const page = await home('', { width: 700 })
    expect(await page.getByRole('navigation', { name: 'Places' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Places' }).click()
    await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: 'Services' }).click()
    await waitUntil(() => pathOf(page).then((path) => path === '/services'), 'the services')
    expect(await page.getByRole('navigation', { name: 'Places' }).count()).toBe(0)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    await page.close()
  })

  for (const theme of ['light', 'dark'] as const) {
    it(`has an accessible picker of times and palette in ${theme}`, async () => {
      const page = await home('', { theme })
      await page.keyboard.press('t')
      await page.getByRole('dialog', { name: 'Time range' }).waitFor()
      expect(await accessibilityViolations(page)).toEqual([])
      await page.keyboard.press('Escape')
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox', { name: 'Find or do something' }).waitFor()
      expect(await accessibilityViolations(page)).toEqual([])
      expect(problems(page)).toEqual([])
      await page.close()
    })
  }
})
