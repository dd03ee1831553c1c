// For the browser tests: the real program on free ports with an empty data directory, and Chromium with an empty profile.
// Both end with close(), also when a test fails. SIGHTLINE_BIN_DIR names the folder of the program.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright-core'

const BIN_DIR = resolve(process.env.SIGHTLINE_BIN_DIR ?? join(import.meta.dirname, '../../build/bin'))
const START_MS_MAX = 60_000
const STOP_MS_MAX = 15_000
export const VISIBLE_MS_MAX = 30_000 // what was sent can be asked for within 2 s; a busy machine gets more

/** Calls `condition` until it gives something other than null, undefined and false. Throws after `ms`. */
export async function waitUntil<T>(
  condition: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  what: string,
  ms = VISIBLE_MS_MAX,
): Promise<T> {
  const deadline = performance.now() + ms
  for (;;) {
    const value = await condition()
    if (value !== null && value !== undefined && value !== false) return value
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

export type Signal = 'traces' | 'logs' | 'metrics'

interface Addresses {
  otlp_grpc: string
  otlp_http: string
  http: string
}

const FREE_PORTS: Addresses = { otlp_grpc: '127.0.0.1:0', otlp_http: '127.0.0.1:0', http: '127.0.0.1:0' }

/** One `sightline serve`. */
export class Sightline {
  private constructor(
    private readonly folder: string,
    private readonly args: string[],
    private process: ChildProcess,
    private readonly addresses: Addresses,
  ) {}

  static async start(args: string[] = []): Promise<Sightline> {
    const folder = await mkdtemp(join(tmpdir(), 'sightline-browser-'))
    try {
      const { child, addresses } = await spawnIn(folder, args, FREE_PORTS)
      return new Sightline(folder, args, child, addresses)
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** Of the UI and the API. */
  get url(): string {
    return `http://${this.addresses.http}`
  }

  get otlpUrl(): string {
    return `http://${this.addresses.otlp_http}`
  }

  /** One OTLP/HTTP request in JSON. */
  async send(signal: Signal, request: unknown): Promise<void> {
    await this.post(signal, JSON.stringify(request), { 'Content-Type': 'application/json' })
  }

  /** A recorded request as it is. */
  async sendFile(signal: Signal, path: string): Promise<void> {
    const zipped = path.endsWith('.gz')
    await this.post(signal, await readFile(path), {
      'Content-Type': path.replace(/\.gz$/, '').endsWith('.json') ? 'application/json' : 'application/x-protobuf',
      ...(zipped && { 'Content-Encoding': 'gzip' }),
    })
  }

  private async post(signal: Signal, body: string | Buffer, headers: Record<string, string>): Promise<void> {
    const answer = await fetch(`${this.otlpUrl}/v1/${signal}`, { method: 'POST', body: body as BodyInit, headers })
    const text = await answer.text()
    if (!answer.ok || text.includes('rejected')) throw new Error(`${signal}: ${answer.status} ${text}`)
  }

  /** Asks the API; null where it answers with an error. */
  async ask<T>(path: string): Promise<T | null> {
    const answer = await fetch(`${this.url}/api/v1${path}`)
    if (!answer.ok) {
      await answer.arrayBuffer()
      return null
    }
    return (await answer.json()) as T
  }

  /** Until so many spans of a trace can be asked for. */
  async waitForSpans(traceId: string, count: number): Promise<void> {
    await waitUntil(async () => {
      let found = 0
      let cursor: string | null = ''
      while (cursor !== null && found < count) {
        const path: string = `/traces/${traceId}/outline${cursor && `?cursor=${cursor}`}`
        const page: { spans: unknown[]; next_cursor: string | null } | null = await this.ask(path)
        found += page?.spans.length ?? 0
        cursor = page?.next_cursor ?? null
      }
      return found >= count
    }, `${count} spans of ${traceId}`)
  }

  /** SIGTERM, and the end of the process. */
  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const ended = new Promise<void>((done) => this.process.once('exit', () => done()))
    this.process.kill('SIGTERM')
    const timer = setTimeout(() => this.process.kill('SIGKILL'), STOP_MS_MAX)
    await ended
    clearTimeout(timer)
  }

  /** After stop(): on the same addresses, with the same data. */
  async startAgain(): Promise<void> {
    this.process = (await spawnIn(this.folder, this.args, this.addresses)).child
  }

  /** Stops it; the data goes with it. */
  async close(): Promise<void> {
    await this.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}

// Starts the program and waits for the line with its addresses.
async function spawnIn(folder: string, args: string[], at: Addresses): Promise<{ child: ChildProcess; addresses: Addresses }> {
  const log = await open(join(folder, 'log'), 'w')
  const out = await open(join(folder, 'out'), 'w')
  const ports = ['--otlp-grpc', at.otlp_grpc, '--otlp-http', at.otlp_http, '--http', at.http]
  const child = spawn(
    join(BIN_DIR, 'sightline'),
    ['serve', '--data-dir', join(folder, 'data'), '--log-format', 'json', ...ports, ...args],
    { stdio: ['ignore', out.fd, log.fd], env: cleanEnvironment() },
  )
  let failed: Error | null = null
  child.on('error', (error) => (failed = error))
  try {
    const addresses = await waitUntil(
      async () => {
        if (failed) throw failed
        if (child.exitCode !== null) {
          throw new Error(`sightline ended with ${child.exitCode}:\n${await readFile(join(folder, 'log'), 'utf8')}`)
        }
        const line = (await readFile(join(folder, 'out'), 'utf8')).split('\n').find((text) => text.includes('"otlp_grpc"'))
        return line === undefined ? null : (JSON.parse(line) as Addresses)
      },
      'the line with the addresses',
      START_MS_MAX,
    )
    return { child, addresses }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    await log.close()
    await out.close()
  }
}

// Without the tests' own variables, which the program would take for its configuration.
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SIGHTLINE|OTEL)_/.test(name)))
}

export interface PageOptions {
  width?: number
  height?: number
  theme?: 'light' | 'dark'
}

/** Chromium, headless. Each page knows what went wrong in it: expectQuiet(page). */
export class Browser {
  private constructor(
    private readonly folder: string,
    private readonly context: BrowserContext,
  ) {}

  static async start(): Promise<Browser> {
    const folder = await mkdtemp(join(tmpdir(), 'sightline-chromium-'))
    const context = await chromium.launchPersistentContext(folder, {
      executablePath: process.env.SIGHTLINE_CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      args: [
        '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync',
      ], // prettier-ignore
      viewport: { width: 1440, height: 900 },
    })
    return new Browser(folder, context)
  }

  async page(options: PageOptions = {}): Promise<Page> {
    const page = await this.context.newPage()
    await page.setViewportSize({ width: options.width ?? 1440, height: options.height ?? 900 })
    await page.emulateMedia({ colorScheme: options.theme ?? 'light' })
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(String(error)))
    page.on('console', (message) => {
      // What the API refuses is shown by the page; the browser logs it all the same.
      const refused = message.text().startsWith('Failed to load resource')
      if ((message.type() === 'error' || message.type() === 'warning') && !refused) problems.push(message.text())
    })
    problemsOf.set(page, problems)
    return page
  }

  async close(): Promise<void> {
    await this.context.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Until all that the page asked for is shown, in its fonts. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector('.skeleton, [aria-busy=true]') === null)
  await page.evaluate(() => document.fonts.ready.then(() => undefined))
}

const problemsOf = new WeakMap<Page, string[]>()

/** Errors and warnings of the page so far: exceptions, what the Content-Security-Policy blocked, failed asserts. */
export function problems(page: Page): string[] {
  return problemsOf.get(page) ?? []
}

export interface Violation {
  id: string
  help: string
  targets: string[]
}

/** What axe-core finds wrong in the page as it stands. */
export async function accessibilityViolations(page: Page): Promise<Violation[]> {
  // What fades in has other contrasts on the way.
  await page.evaluate(() => {
    const ending = document.getAnimations().filter((animation) => animation.effect?.getComputedTiming().iterations !== Infinity)
    return Promise.allSettled(ending.map((animation) => animation.finished)).then(() => undefined)
  })
  const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  await page.evaluate(source) // not as a script element: the Content-Security-Policy forbids that
  return page.evaluate(async () => {
    interface Axe {
      run(): Promise<{ violations: { id: string; help: string; nodes: { target: string[]; failureSummary?: string }[] }[] }>
    }
    const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run()
    return violations.map((violation) => ({
      id: violation.id,
      help: violation.help,
      targets: violation.nodes.map((node) => `${node.target.join(' ')}: ${node.failureSummary ?? ''}`),
    }))
  })
}

export interface FrameFigures {
  frames: number
  medianMs: number
  p95Ms: number
  longestMs: number
  dropped: number // frames that took longer than one and a half of the usual
}

/** Times between the frames that the page draws while `act` runs. */
export async function measureFrames(page: Page, act: () => Promise<void>): Promise<FrameFigures> {
  await page.evaluate(() => {
    const times: number[] = []
    const state = { times, on: true }
    ;(globalThis as unknown as { sightlineFrames: typeof state }).sightlineFrames = state
    const note = (now: number) => {
      times.push(now)
      if (state.on) requestAnimationFrame(note)
    }
    requestAnimationFrame(note)
  })
  await act()
  const times = await page.evaluate(() => {
    const state = (globalThis as unknown as { sightlineFrames: { times: number[]; on: boolean } }).sightlineFrames
    state.on = false
    return state.times
  })
  const deltas = times.slice(1).map((time, i) => time - (times[i] ?? time))
  const sorted = [...deltas].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  const round = (ms: number) => Math.round(ms * 10) / 10
  return {
    frames: deltas.length,
    medianMs: round(at(0.5)),
    p95Ms: round(at(0.95)),
    longestMs: round(sorted.at(-1) ?? 0),
    dropped: deltas.filter((delta) => delta > 25).length,
  }
}
