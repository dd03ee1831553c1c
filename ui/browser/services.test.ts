// The page of one service in Chromium, on data from the real program: tabs, dependencies, exceptions, deployments.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, problems, settled, Sightline, waitUntil } from './harness'
import { attributes, tracesRequest, type SpanSketch } from './otlp'

const SHOTS = process.env.SIGHTLINE_SCREENSHOTS ?? join(import.meta.dirname, '../../build/test-results/screenshots')
const MS = 1_000_000n
const ORDERS = 48
const NEW_FROM = 12 // so many of the newest are of the new version
const STEP_MS = 60_000
const NEW_VERSION = '2.0.0'
const STACK = `Traceback (most recent call last):
  File "/usr/lib/python3.11/asyncio/runners.py", line 118, in run
    return self._loop.run_until_complete(task)
  File "/srv/shop/app/orders.py", line 41, in place
    charge(cart)
  File "/srv/shop/app/payment.py", line 12, in charge
    raise CardDeclined(f"card of cart {cart} was declined")
app.payment.CardDeclined: card of cart 17 was declined`

let sightline: Sightline
let browser: Browser
let page: Page

const spanId = (index: number, place: number) => `${String(index + 1).padStart(12, '0')}${String(place).padStart(4, '0')}`
const traceId = (index: number) => String(index + 1).padStart(32, '0')

// One order a minute: a database, a service, a peer outside. With the new version the card is declined.
function order(index: number, now: bigint): SpanSketch[] {
  const at = (ms: number) => now - BigInt(STEP_MS * index) * MS + BigInt(ms - 2000) * MS
  const failed = index < NEW_FROM
  const declined = { name: 'exception', atNano: at(30), attributes: { 'exception.type': 'app.payment.CardDeclined', 'exception.message': `card of cart ${index} was declined`, 'exception.stacktrace': STACK.replace('17', String(index)) } }
  const timeout = { name: 'exception', atNano: at(25), attributes: { 'exception.type': 'TimeoutError', 'exception.message': `no answer in ${index} ms` } }
  return [
    { id: spanId(index, 1), name: 'POST /orders', service: 'shop', kind: 2, startNano: at(0), endNano: at(failed ? 700 : 120), ...(failed && { status: { code: 2, message: 'declined' }, events: [declined] }) },
    { id: spanId(index, 2), parent: spanId(index, 1), name: 'SELECT carts', service: 'shop', kind: 3, startNano: at(2), endNano: at(9), attributes: { 'db.system.name': 'postgresql', 'db.namespace': 'shop', 'db.query.text': `SELECT id, total FROM carts WHERE id = ${index} FOR UPDATE` } },
    { id: spanId(index, 3), parent: spanId(index, 1), name: 'POST /charge', service: 'shop', kind: 3, startNano: at(10), endNano: at(60) },
    { id: spanId(index, 4), parent: spanId(index, 3), name: 'POST /charge', service: 'payment', kind: 2, startNano: at(12), endNano: at(58) },
    { id: spanId(index, 5), parent: spanId(index, 1), name: 'GET', service: 'shop', kind: 3, startNano: at(61), endNano: at(80), attributes: { 'server.address': 'rates.example' }, ...(index % 16 === 0 && { status: { code: 2 }, events: [timeout] }) },
  ] // prettier-ignore
}

// The shop's resource says which version it is.
function request(index: number, now: bigint): object {
  const made = tracesRequest(traceId(index), order(index, now)) as { resourceSpans: { resource: { attributes: { key: string; value: object }[] } }[] }
  const version = index < NEW_FROM ? NEW_VERSION : '1.4.2'
  for (const { resource } of made.resourceSpans) {
    const isShop = resource.attributes.some(({ key, value }) => key === 'service.name' && (value as { stringValue: string }).stringValue === 'shop')
    if (isShop) resource.attributes = attributes({ 'service.name': 'shop', 'service.version': version, 'service.instance.id': `shop-${version}-${index % 2}` })
  }
  return made
}

const tab = (name: string) => page.getByRole('tab', { name })

async function upToDate(): Promise<void> {
  await settled(page)
  await page.waitForFunction(() => document.querySelector('.dimmed') === null && document.getAnimations().every((one) => !(one instanceof CSSTransition)))
}

beforeAll(async () => {
  sightline = await Sightline.start()
  browser = await Browser.start()
  const now = BigInt(Date.now()) * MS
  for (let i = 0; i < ORDERS; i++) await sightline.send('traces', request(i, now))
  page = await browser.page()
  await waitUntil(async () => {
    const graph = await sightline.ask<{ edges: { client: string; server: string; calls: number }[] }>('/service-graph?service=shop')
    const calls = (server: string) => graph?.edges.find((one) => one.client === 'shop' && one.server === server)?.calls
    return ['payment', 'postgresql/shop', 'rates.example'].every((server) => calls(server) === ORDERS)
  }, 'all calls in the service graph')
  await mkdir(SHOTS, { recursive: true })
})

afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

describe('the overview of a service', () => {
  it('has apdex, quantiles and its versions, and marks the deployment', async () => {
    await page.goto(`${sightline.url}/services/shop?last=1h`)
    const versions = page.getByRole('table', { name: 'Version' })
    await versions.getByText(NEW_VERSION).waitFor()
    await versions.getByText('deployed').waitFor()
    await versions.getByText('2 instances').first().waitFor()
    expect(await versions.locator('tbody tr').count()).toBe(2)
    const instances = page.getByRole('table', { name: 'Instance' })
    expect(await instances.locator('tbody tr').count()).toBe(3)
    await page.getByRole('region', { name: 'Versions and instances' }).getByRole('button', { name: 'All 4' }).click()
    await instances.getByText(`shop-${NEW_VERSION}-1`).waitFor()
    const apdex = page.locator('.tile').filter({ hasText: 'Apdex' })
    // Three of four orders are within 500 ms; the others failed.
    expect(await apdex.locator('dd').first().textContent()).toBe('0.75')
    await page.locator('.tile').filter({ hasText: 'p90' }).waitFor()
    for (const chart of ['Calls', 'Share of errors', 'Duration']) {
      await page.getByRole('region', { name: chart, exact: true }).getByRole('img', { name: new RegExp(`deployed: ${NEW_VERSION}`) }).waitFor()
    }
    await upToDate()
    expect(await accessibilityViolations(page)).toEqual([])
  })

  it('leads from a version to its failed traces', async () => {
    await page.goto(`${sightline.url}/services/shop?last=1h`)
    const row = page.getByRole('table', { name: 'Version' }).locator('tbody tr').filter({ hasText: NEW_VERSION })
    await row.getByRole('link', { name: '100 %' }).click()
    await page.waitForURL((url) => url.pathname === '/traces' && url.searchParams.get('status') === 'error')
    await waitUntil(async () => (await page.getByRole('table', { name: 'Traces' }).locator('[data-row-focus]').count()) === NEW_FROM, 'the failed orders')
  })
})

describe('what a service depends on', () => {
  it('is listed by kind, with the statements that it sends', async () => {
    await page.goto(`${sightline.url}/services/shop?last=1h`)
    await tab('Dependencies').click()
    await page.waitForURL((url) => url.searchParams.get('tab') === 'dependencies')
    await page.getByRole('table', { name: 'Services' }).getByRole('link', { name: 'payment' }).waitFor()
    await page.getByRole('table', { name: 'Databases' }).getByText('postgresql/shop').waitFor()
    await page.getByRole('table', { name: 'External peers' }).getByText('rates.example').waitFor()
    const statements = page.getByRole('table', { name: 'Statement' })
    await statements.getByText('SELECT id, total FROM carts WHERE id = ? FOR UPDATE').waitFor()
    expect(await statements.locator('tbody tr').count()).toBe(1)
    await page.getByRole('table', { name: 'Callers' }).getByText('user').waitFor()
    await upToDate()
    expect(await accessibilityViolations(page)).toEqual([])
  })

  it('leads to the calls behind a figure, and to the service that is called', async () => {
    await page.goto(`${sightline.url}/services/shop?last=1h&tab=dependencies`)
    const peers = page.getByRole('table', { name: 'External peers' })
    await peers.getByRole('link', { name: '6.3 %' }).or(peers.getByRole('link', { name: '6.25 %' })).click()
    await page.waitForURL((url) => url.pathname === '/traces' && (url.searchParams.get('q') ?? '').includes('rates.example'))
    await waitUntil(async () => (await page.getByRole('table', { name: 'Traces' }).locator('[data-row-focus]').count()) === 3, 'the three that failed')
    await page.goBack()
    await page.getByRole('table', { name: 'Services' }).getByRole('link', { name: 'payment' }).click()
    await page.waitForURL((url) => url.pathname === '/services/payment')
    await page.getByRole('heading', { name: 'Operations' }).waitFor()
  })

  it('show nothing of the service before while another one comes', async () => {
    await page.goto(`${sightline.url}/services/shop?last=1h`)
    await page.getByText('POST /orders').first().waitFor()
    await page.getByRole('tab', { name: 'Dependencies' }).click()
    const link = page.getByRole('table', { name: 'Services' }).getByRole('link', { name: 'payment' })
    await link.waitFor()
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const ofPayment = (url: URL) => url.pathname.startsWith('/api/v1/services') && (url.searchParams.get('service') === 'payment' || url.pathname.includes('/payment/'))
    await page.route(ofPayment, async (route) => {
      await held
      await route.continue()
    })
    await link.click()
    await page.waitForURL((url) => url.pathname === '/services/payment')
    await page.getByLabel('Loading the service').waitFor()
    expect(await page.getByText('It was not called').count()).toBe(0)
    expect(await page.getByText('POST /orders').count()).toBe(0)
    release()
    await page.getByRole('heading', { name: 'Operations' }).waitFor()
    await page.getByRole('tab', { name: 'Overview' }).waitFor()
    await page.unroute(ofPayment)
  })
})

describe('the exceptions of a service', () => {
  const groups = () => page.getByRole('table', { name: 'Exceptions' }).locator('.row')
  const panel = () => page.getByRole('complementary', { name: 'Exception' })

  it('are one for each place where they are thrown, with stack trace and traces', async () => {
    await page.goto(`${sightline.url}/services/shop?last=1h&tab=exceptions`)
    await waitUntil(async () => (await groups().count()) === 2, 'two groups')
    const declined = groups().filter({ hasText: 'CardDeclined' })
    await declined.getByText('charge (app/payment.py) ← place (app/orders.py)').waitFor()
    await declined.getByText('New', { exact: true }).waitFor()
    await declined.getByRole('button').first().click()
    await page.waitForURL((url) => url.searchParams.has('exception'))
    await panel().getByRole('group', { name: 'Exception' }).getByText('File "/srv/shop/app/payment.py", line 12, in charge').waitFor()
    await panel().getByText(NEW_VERSION, { exact: true }).first().waitFor()
    await upToDate()
    expect(await accessibilityViolations(page)).toEqual([])
    const traces = panel().getByRole('navigation', { name: 'Traces with it' }).getByRole('link')
    expect(await traces.count()).toBe(5)
    await traces.first().click()
    await page.waitForURL((url) => url.pathname === `/traces/${traceId(0)}`)
    await page.goBack()
    await panel().getByRole('group', { name: 'Exception' }).waitFor()
  })

  it('lead to all traces that have them', async () => {
    await page.goto(`${sightline.url}/services/shop?last=1h&tab=exceptions`)
    await groups().filter({ hasText: 'CardDeclined' }).getByRole('button').first().click()
    await panel().getByRole('link', { name: 'Find the traces' }).click()
    await page.waitForURL((url) => url.pathname === '/traces' && url.searchParams.get('q')?.includes('event.exception.type') === true)
    await page.getByText(`${NEW_FROM} traces`).first().waitFor()
  })

  it('are resolved, taken back, ignored, and regress when they come again', async () => {
    await page.goto(`${sightline.url}/services/shop?last=1h&tab=exceptions`)
    const which = (name: RegExp) => page.getByRole('radiogroup', { name: 'Which exceptions' }).getByRole('radio', { name })
    await which(/^Unresolved 2$/).waitFor()
    await groups().filter({ hasText: 'CardDeclined' }).getByRole('button').first().click()
    await panel().getByRole('textbox', { name: 'Note' }).fill('The bank is back')
    await panel().getByRole('button', { name: 'Resolve' }).click()
    await page.getByText('Resolved app.payment.CardDeclined').waitFor()
    await which(/^Unresolved 1$/).waitFor()
    await panel().waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).click()
    await which(/^Unresolved 2$/).waitFor()

    // By keyboard; k stops at the first row.
    await page.keyboard.press('k')
    await page.keyboard.press('e')
    await page.getByText('Resolved app.payment.CardDeclined').last().waitFor()
    await which(/^Resolved 1$/).click()
    await groups().getByText('Resolved', { exact: true }).waitFor()

    await sightline.send('traces', request(0, BigInt(Date.now() + 2000) * MS))
    await waitUntil(async () => {
      await page.goto(`${sightline.url}/services/shop?last=1h&tab=exceptions`)
      await which(/^Unresolved/).waitFor()
      await settled(page)
      return (await which(/^Regressed 1$/).count()) === 1
    }, 'it has regressed')
    const regressed = groups().filter({ hasText: 'CardDeclined' })
    await regressed.getByText('Regressed', { exact: true }).waitFor()
    await regressed.getByRole('button').first().click()
    await panel().getByText(/seen again/).waitFor()
    for (const theme of ['light', 'dark'] as const) {
      const view = await browser.page({ theme, width: 1440, height: 900 })
      await view.goto(`${sightline.url}/exceptions?last=1h&exceptions=all`)
      await view.getByText('Regressed', { exact: true }).waitFor()
      await settled(view)
      await view.screenshot({ path: join(SHOTS, `exceptions-${theme}.png`) })
      expect(await accessibilityViolations(view)).toEqual([])
      expect(problems(view)).toEqual([])
      await view.close()
    }
    await page.mouse.move(0, 0) // no tooltip
    await upToDate()
    expect(await accessibilityViolations(page)).toEqual([])
    await panel().getByRole('button', { name: 'Ignore' }).click()
    await which(/^Ignored 1$/).click()
    await groups().getByText('Ignored', { exact: true }).waitFor()
    await groups().getByRole('button').first().click()
    await panel().getByRole('button', { name: 'Reopen' }).click()
    await which(/^Ignored 0$/).waitFor()
    await page.getByText('None is ignored in this time').waitFor()
    expect(problems(page)).toEqual([])
  })

  it('of all services are one list', async () => {
    await page.goto(`${sightline.url}/exceptions?last=1h`)
    await waitUntil(async () => (await groups().count()) === 2, 'two groups')
    await groups().first().getByText('shop').waitFor()
    await upToDate()
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: 'Exceptions' }).waitFor()
  })

  it('say that there are none', async () => {
    await page.goto(`${sightline.url}/services/payment?last=1h&tab=exceptions`)
    await page.getByText('No exceptions in this time').waitFor()
  })
})

describe('the looks', () => {
  const VIEWS = ['overview', 'dependencies', 'exceptions'] as const
  const sizes = [
    { name: 'light', theme: 'light', width: 1440, height: 900 },
    { name: 'dark', theme: 'dark', width: 1440, height: 900 },
    { name: 'narrow', theme: 'light', width: 420, height: 900 },
    { name: 'wide', theme: 'light', width: 2200, height: 1100 },
  ] as const

  it.each(sizes)('$name', async ({ name, theme, width, height }) => {
    const view = await browser.page({ theme, width, height })
    for (const tab of VIEWS) {
      await view.goto(`${sightline.url}/services/shop?last=1h&tab=${tab}`)
      if (tab === 'exceptions') await view.getByRole('table', { name: 'Exceptions' }).getByRole('button').first().click()
      await view.getByText({ overview: NEW_VERSION, dependencies: 'Database calls', exceptions: 'First seen in this time' }[tab]).first().waitFor()
      await settled(view)
      await view.screenshot({ path: join(SHOTS, `service-${tab}-${name}.png`) })
      expect(await view.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${tab} is wider than the window`).toBe(true)
    }
    expect(problems(view)).toEqual([])
    await view.close()
  })

  it.each(VIEWS)('of nothing: %s', async (tab) => {
    const view = await browser.page()
    await view.goto(`${sightline.url}/services/nobody?last=15m&tab=${tab}`)
    await view.getByText(/in this time/).first().waitFor()
    await settled(view)
    await view.screenshot({ path: join(SHOTS, `service-${tab}-empty.png`) })
    expect(await accessibilityViolations(view)).toEqual([])
    expect(problems(view)).toEqual([])
    await view.close()
  })

  it('of the list', async () => {
    await page.goto(`${sightline.url}/services?last=1h`)
    const list = page.getByRole('table', { name: 'Services' })
    await list.getByRole('link', { name: 'shop' }).waitFor()
    await upToDate()
    const usual = page.viewportSize()
    for (const width of [1020, 1100, 1280, 1366, 1500]) {
      await page.setViewportSize({ width, height: 800 })
      const beyond = await list.evaluate((table) => Math.max(...[...table.querySelectorAll('.row')].map((row) => (row.lastElementChild?.getBoundingClientRect().right ?? 0) - table.getBoundingClientRect().right)))
      expect(beyond, `at ${width} px`).toBeLessThanOrEqual(0)
      if (width === 1280) await page.screenshot({ path: join(SHOTS, 'services-list-1280.png') })
    }
    if (usual) await page.setViewportSize(usual)
    await page.screenshot({ path: join(SHOTS, 'services-list.png') })
    expect(await accessibilityViolations(page)).toEqual([])
    expect(problems(page)).toEqual([])
  })
})
